"""ViT and DeiT: as a trunk, and equal to Hugging Face's."""

from helpers.huggingface_sizes import BERT
from helpers.trunk_tests import PublishedTests
from helpers.trunk_tests import TrunkTests

IMAGE = {**BERT, "image_size": 8, "patch_size": 4, "layer_norm_eps": 0.1}


class TestTrunk(TrunkTests):
    FAMILIES = ("vit", "deit")


class TestHuggingFace(PublishedTests):
    CASES = {
        "vit": ("ViTForImageClassification", IMAGE),
        "deit": ("DeiTForImageClassification", IMAGE),
    }
    PUBLISHED = ("deit_tiny_imagenet", "ViTForImageClassification")
