"""T5, gated or not: as a trunk, and equal to Hugging Face's."""

from helpers.huggingface_sizes import HIDDEN_DIM
from helpers.trunk_tests import HuggingFaceTests
from helpers.trunk_tests import TrunkTests

T5 = {
    "d_model": HIDDEN_DIM,
    "d_kv": 6,
    "d_ff": 24,
    "num_layers": 2,
    "num_heads": 4,
    "vocab_size": 11,
}


class TestTrunk(TrunkTests):
    FAMILIES = ("t5",)


class TestHuggingFace(HuggingFaceTests):
    CASES = {
        "t5": ("T5EncoderModel", {**T5, "feed_forward_proj": "relu"}),
        "t5, gated": (
            "T5EncoderModel",
            {**T5, "feed_forward_proj": "gated-gelu"},
        ),
    }
