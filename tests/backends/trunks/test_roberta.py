"""RoBERTa: as a trunk, and equal to Hugging Face's."""

from helpers.huggingface_sizes import BERT
from helpers.huggingface_sizes import NUM_TOKENS
from helpers.trunk_tests import HuggingFaceTests
from helpers.trunk_tests import TrunkTests

ROBERTA = {
    **BERT,
    # Its table begins with two rows that nothing reads.
    "max_position_embeddings": NUM_TOKENS + 2,
    "hidden_act": "relu",
    "layer_norm_eps": 0.1,
}


class TestTrunk(TrunkTests):
    FAMILIES = ("roberta",)


class TestHuggingFace(HuggingFaceTests):
    CASES = {"roberta": ("RobertaForMaskedLM", ROBERTA)}
