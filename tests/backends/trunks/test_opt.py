"""OPT: as a trunk, and equal to Hugging Face's."""

from helpers.huggingface_sizes import HIDDEN_DIM
from helpers.huggingface_sizes import NUM_TOKENS
from helpers.trunk_tests import HuggingFaceTests
from helpers.trunk_tests import TrunkTests

OPT = {
    "hidden_size": HIDDEN_DIM,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "ffn_dim": 24,
    "vocab_size": 11,
    "max_position_embeddings": NUM_TOKENS,
}


class TestTrunk(TrunkTests):
    FAMILIES = ("opt",)


class TestHuggingFace(HuggingFaceTests):
    CASES = {"opt": ("OPTModel", OPT)}
