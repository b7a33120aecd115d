"""Bit Memory: which of the strings was shown again, with bits missing?"""

from __future__ import annotations

import numpy as np

from keras_fpt.tasks.bits import BitTask
from keras_fpt.tasks.task import Examples


class BitMemory(BitTask):
    """Complete a string of bits, seen once before, from half of its bits.

    Five random strings of 1,000 bits go by, then one of them again with each
    bit masked with probability 0.5. The answer is that string, bit by bit,
    read from the last tokens. Bits are -1 and 1, a masked bit is 0.

    All bits are scored, the visible ones too, as in the original. Copying
    these and guessing the rest reaches 75 %: that is the floor.

    Batches: tokens of shape `(batch, 120, 50)`, float32; classes of shape
    `(batch, 20, 50)`, int32, 0 for the bit -1 and 1 for the bit 1. Training
    never ends; validation and test are 256 and 1,024 sequences of their own.

    Args:
        num_bits: int. Length of a string. Defaults to `1000`.
        num_patterns: int. Strings to remember. Defaults to `5`.
        patch_size: int. Bits a token; divides `num_bits`. Defaults to `50`.
        variant: string. `"paper"`; the original's code is the same.

    Raises:
        ValueError: if a size is no positive whole number or `patch_size` does
            not divide `num_bits`.

    Example:

    ```python
    task = keras_fpt.tasks.BitMemory(num_bits=100, patch_size=10)
    x, y = task.train_data(batch_size=4)[0]  # (4, 60, 10), (4, 10, 10)
    ```

    Reference:
        [Lu et al., 2021](https://arxiv.org/abs/2103.05247), section 2.1, after
        [Miconi et al., 2018](https://arxiv.org/abs/1804.02464)
    """

    class_names = ("-1", "1")
    floor_accuracy = 0.75
    floor_reason = "copies the visible half of the bits and guesses the rest"
    citation = "Lu et al., 2021, after Miconi et al., 2018"
    num_queries = 1  # the string that is shown again

    def __init__(
        self,
        num_bits: int = 1000,
        num_patterns: int = 5,
        patch_size: int = 50,
        variant: str = "paper",
    ) -> None:
        super().__init__(num_bits, num_patterns, patch_size, variant)

    def sample(self, rng: np.random.Generator, batch_size: int) -> Examples:
        shape = (batch_size, self.num_patterns, self.num_bits)
        bits = rng.integers(2, size=shape, dtype="int8")
        shown_again = rng.integers(self.num_patterns, size=batch_size)
        visible = rng.integers(
            2, size=(batch_size, self.num_bits), dtype="int8"
        )
        answer = bits[np.arange(batch_size), shown_again]  # (batch, num_bits)
        query = (2 * answer - 1) * visible
        strings = np.concatenate([2 * bits - 1, query[:, None]], axis=1)
        # (batch, num_patterns + 1, num_bits)
        return self.to_tokens(strings), self.to_answer(answer)
