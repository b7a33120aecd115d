"""BERT, alone and distilled: as a trunk, and equal to Hugging Face's."""

from helpers.huggingface_sizes import BERT
from helpers.huggingface_sizes import HIDDEN_DIM
from helpers.huggingface_sizes import NUM_TOKENS
from helpers.trunk_tests import PublishedTests
from helpers.trunk_tests import TrunkTests

DISTILBERT = {
    "dim": HIDDEN_DIM,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 24,
    "vocab_size": 11,
    "max_position_embeddings": NUM_TOKENS,
}
APPROXIMATE = {"hidden_act": "gelu_new", "layer_norm_eps": 0.1}


class TestTrunk(TrunkTests):
    FAMILIES = ("bert", "distilbert")


class TestHuggingFace(PublishedTests):
    CASES = {
        "bert": ("BertModel", BERT),
        "bert, approximate": ("BertModel", {**BERT, **APPROXIMATE}),
        "distilbert": ("DistilBertForMaskedLM", DISTILBERT),
    }
    PUBLISHED = ("minilm_l6_en", "BertModel")
