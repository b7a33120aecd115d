"""Cuts strings of bits into tokens, for both bit tasks."""

from __future__ import annotations

import numpy as np

from keras_fpt.sizes import whole_number
from keras_fpt.tasks.task import Task


class BitTask(Task):
    """A task on strings of bits; the answer is a string read at the end.

    Args:
        num_bits: int. Length of a string.
        num_patterns: int. How many random strings go by.
        patch_size: int. Bits a token; divides `num_bits`.
        variant: string. The form of the task.

    Attributes:
        num_queries: int. Strings that follow the random ones.
    """

    num_queries = 0
    variants = {"paper": "as published; the original's code is the same"}
    licence = "none needed: the bits are random"

    def __init__(
        self, num_bits: int, num_patterns: int, patch_size: int, variant: str
    ) -> None:
        self.check_variant(variant)
        self.variant = variant
        self.num_bits = whole_number("num_bits", num_bits)
        self.num_patterns = whole_number("num_patterns", num_patterns)
        self.patch_size = whole_number("patch_size", patch_size)
        if self.num_bits % self.patch_size:
            raise ValueError(
                "`patch_size` must divide `num_bits`, for a token never spans "
                f"two strings. Received: num_bits={num_bits}, "
                f"patch_size={patch_size}"
            )
        tokens_each = self.num_bits // self.patch_size
        num_strings = self.num_patterns + self.num_queries
        self.inputs = (num_strings * tokens_each, self.patch_size)
        # Two classes a bit, `patch_size` bits at each of the last tokens.
        self.outputs = (tokens_each, self.patch_size, 2)
        if self.patch_size == 1:
            self.outputs = (tokens_each, 2)

    def to_tokens(self, strings: np.ndarray) -> np.ndarray:
        """`(batch, strings, num_bits)` to `(batch, tokens, patch_size)`."""
        tokens = strings.reshape(len(strings), -1, self.patch_size)
        return tokens.astype("float32")

    def to_answer(self, bits: np.ndarray) -> np.ndarray:
        """Shapes `(batch, num_bits)` like the logits, without their classes."""
        return bits.reshape(len(bits), *self.outputs[:-1]).astype("int32")
