"""ESM: as a trunk, and equal to Hugging Face's."""

from helpers.huggingface_sizes import BERT
from helpers.trunk_tests import HuggingFaceTests
from helpers.trunk_tests import TrunkTests

ESM = {**BERT, "position_embedding_type": "rotary", "pad_token_id": 1}
NORM_FIRST = {"emb_layer_norm_before": True, "rope_theta": 100.0}


class TestTrunk(TrunkTests):
    FAMILIES = ("esm",)


class TestHuggingFace(HuggingFaceTests):
    CASES = {
        "esm": ("EsmModel", ESM),
        "esm, norm first": ("EsmModel", {**ESM, **NORM_FIRST}),
    }
