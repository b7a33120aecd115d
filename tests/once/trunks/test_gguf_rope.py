"""Divisors of rotary frequencies: the options behind them; or a refusal."""

import numpy as np
import pytest
from helpers.gguf_files import rope_freqs

from keras_fpt.trunks.gguf_rope import rope_scaling

THETA = 500_000.0
# Heads of 64, as in Llama 3.2.
SIZES = {"hidden_size": 128, "num_attention_heads": 2, "rope_theta": THETA}


@pytest.mark.parametrize("factor", [8.0, 32.0])
def test_the_options_of_llama_3_are_found(factor):
    divisors = rope_freqs(SIZES, factor, 1.0, 4.0, 8192)
    assert 3 < len(set(divisors)) < 32
    assert rope_scaling(divisors, THETA, "model.gguf") == {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }


def test_divisors_of_one_change_nothing():
    assert rope_scaling(np.ones(32, "float32"), THETA, "model.gguf") is None


@pytest.mark.parametrize(
    "low, high, length", [(2.0, 4.0, 8192), (1.0, 8.0, 8192), (1.0, 4.0, 4096)]
)
def test_other_options_are_refused(low, high, length):
    divisors = rope_freqs(SIZES, 8.0, low, high, length)
    message = "'model.gguf' scales.*expected that of Llama 3.1.*from 1 to 8"
    with pytest.raises(ValueError, match=message):
        rope_scaling(divisors, THETA, "model.gguf")
