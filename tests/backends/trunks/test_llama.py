"""LLaMA and LLaMA 3: as a trunk, and equal to Hugging Face's."""

from helpers.huggingface_sizes import BERT
from helpers.trunk_tests import HuggingFaceTests
from helpers.trunk_tests import TrunkTests

LLAMA = {**BERT, "num_key_value_heads": 2}
LLAMA_31 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    # Few, so that of the waves some are kept, some stretched, some between.
    "original_max_position_embeddings": 48,
}


class TestTrunk(TrunkTests):
    FAMILIES = ("llama", "llama3")


class TestHuggingFace(HuggingFaceTests):
    CASES = {
        "llama": ("LlamaForCausalLM", {**LLAMA, "rms_norm_eps": 0.1}),
        "llama, 3.1": (
            "LlamaForCausalLM",
            {**LLAMA, "rope_parameters": LLAMA_31},
        ),
    }
