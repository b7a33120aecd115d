"""Recovers Llama 3.1's rotary options, of which GGUF keeps the outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

# What Llama 3.1, 3.2 and 3.3 were published with; their factors differ.
_LLAMA3_ROPE = {
    "rope_type": "llama3",
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def rope_scaling(
    divisors: np.ndarray, theta: float, path: str
) -> dict[str, Any] | None:
    """Finds the options that llama.cpp computed the divisors from.

    Args:
        divisors: array of shape `(head_dim / 2,)`. What each frequency is
            divided by.
        theta: float. Base of the frequencies.
        path: string. The file, for the error.

    Returns:
        `rope_scaling` of a `config.json`, or `None` if nothing is divided.

    Raises:
        ValueError: if no options of Llama 3.1 give these divisors.
    """
    if (divisors == 1).all():
        return None
    # The lowest frequencies are divided by the whole factor.
    scaling = {**_LLAMA3_ROPE, "factor": float(divisors.max())}
    expected = _llama3_divisors(len(divisors), theta, scaling)
    if not np.allclose(divisors, expected, rtol=1e-4):
        raise ValueError(
            f"{path!r} scales its rotary positions by rope_freqs.weight in a "
            "way that the trunk does not compute: expected that of Llama 3.1, "
            f"for 8,192 positions. Received: divisors from {divisors.min():g} "
            f"to {divisors.max():g}. Choose another model"
        )
    return scaling


def _llama3_divisors(
    num_frequencies: int, theta: float, scaling: Mapping[str, Any]
) -> np.ndarray:
    """What Llama 3.1 divides each frequency by: `(num_frequencies,)`."""
    factor = scaling["factor"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    exponents = np.arange(num_frequencies) / num_frequencies
    wavelengths = 2 * math.pi * theta**exponents
    turns = scaling["original_max_position_embeddings"] / wavelengths
    # From 0, the lowest frequencies, to 1, the highest.
    share = np.clip((turns - low) / (high - low), 0, 1)
    return 1 / ((1 - share) / factor + share)
