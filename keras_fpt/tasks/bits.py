"""What the two bit tasks share: strings of bits cut into tokens."""

from __future__ import annotations

import numpy as np

from keras_fpt.sizes import whole_number


def bit_sizes(
    num_bits: int, num_patterns: int, patch_size: int
) -> tuple[int, int, int]:
    """The three sizes, refused if they make no tokens."""
    num_bits = whole_number("num_bits", num_bits)
    num_patterns = whole_number("num_patterns", num_patterns)
    patch_size = whole_number("patch_size", patch_size)
    if num_bits % patch_size:
        raise ValueError(
            "`patch_size` must divide `num_bits`, for a token never spans two "
            f"strings. Received: num_bits={num_bits}, patch_size={patch_size}"
        )
    return num_bits, num_patterns, patch_size


def bit_outputs(num_bits: int, patch_size: int) -> tuple[int, ...]:
    """Two classes a bit, `patch_size` bits at each of the last tokens."""
    if patch_size == 1:
        return (num_bits, 2)
    return (num_bits // patch_size, patch_size, 2)


def to_tokens(strings: np.ndarray, patch_size: int) -> np.ndarray:
    """Cuts `(batch, strings, num_bits)` into `(batch, tokens, patch_size)`."""
    return strings.reshape(len(strings), -1, patch_size).astype("float32")


def to_answer(bits: np.ndarray, patch_size: int) -> np.ndarray:
    """Shapes `(batch, num_bits)` like the logits, without their classes."""
    if patch_size == 1:
        return bits.astype("int32")
    return bits.reshape(len(bits), -1, patch_size).astype("int32")
