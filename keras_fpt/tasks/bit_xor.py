"""Bit XOR: the element-wise exclusive or of two strings of bits."""

from __future__ import annotations

import numpy as np

from keras_fpt.tasks.bits import BitTask
from keras_fpt.tasks.task import Examples

# Up to 16 bits in a sequence, every input is listed: 65,536 at most.
_LISTED_BITS = 16
_HOLDOUT_SEED = 0


class BitXor(BitTask):
    """Compute the exclusive or of two strings, bit by bit.

    Two random strings of five bits go by, one bit a token; each of the last
    five tokens answers with one bit. Bits are 0 and 1. Guessing reaches 50 %:
    that is the floor.

    Five bits make only 1,024 inputs, and the test set is all of them. Training
    draws from the same 1,024, so that test accuracy measures fit, not
    generalization, in the paper as here. `holdout=0.25` keeps a quarter of
    the inputs out of training and tests on these: the control.

    Batches: tokens of shape `(batch, 10, 1)`, float32; classes of shape
    `(batch, 5)`, int32. Above 16 bits in a sequence the test set is 1,024
    random inputs.

    Args:
        num_bits: int. Length of a string. Defaults to `5`.
        num_patterns: int. How many strings; the answer is the parity at each
            place. Defaults to `2`.
        patch_size: int. Bits a token; divides `num_bits`. Defaults to `1`.
        holdout: float. Share of the inputs that is kept out of training, at
            least 0 and less than 1. Validation is drawn from the others.
            Defaults to `0.0`.
        variant: string. `"paper"`; the original's code is the same.

    Raises:
        ValueError: if a size is no positive whole number, `patch_size` does
            not divide `num_bits`, or `holdout` does not fit.

    Example:

    ```python
    task = keras_fpt.tasks.BitXor(num_bits=5)
    x, y = task.train_data(batch_size=4)[0]  # (4, 10, 1), (4, 5)
    ```

    Reference:
        [Lu et al., 2021](https://arxiv.org/abs/2103.05247), section 2.1
    """

    class_names = ("0", "1")
    floor_accuracy = 0.5
    floor_reason = "guesses each bit"
    citation = "Lu et al., 2021"

    def __init__(
        self,
        num_bits: int = 5,
        num_patterns: int = 2,
        patch_size: int = 1,
        holdout: float = 0.0,
        variant: str = "paper",
    ) -> None:
        super().__init__(num_bits, num_patterns, patch_size, variant)
        self._seen, self._unseen = self._split(holdout)

    def sample(self, rng: np.random.Generator, batch_size: int) -> Examples:
        if self._seen is None:
            shape = (batch_size, self.num_patterns, self.num_bits)
            return self._examples(rng.integers(2, size=shape, dtype="int8"))
        return self._examples(rng.choice(self._seen, size=batch_size))

    def test_examples(self) -> Examples:
        if self._seen is None or self._unseen is None:
            return super().test_examples()
        held_out = len(self._unseen) > 0
        return self._examples(self._unseen if held_out else self._seen)

    def _examples(self, bits: np.ndarray) -> Examples:
        # bits: (batch, num_patterns, num_bits)
        answer = bits.sum(axis=1) % 2
        return self.to_tokens(bits), self.to_answer(answer)

    def _split(
        self, holdout: float
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """All inputs, seen and unseen; `None` where they are too many."""
        if not 0 <= holdout < 1:
            raise ValueError(
                "`holdout` is a share, at least 0 and less than 1. "
                f"Received: holdout={holdout!r}"
            )
        num_bits = self.num_patterns * self.num_bits
        if num_bits > _LISTED_BITS:
            if holdout:
                raise ValueError(
                    f"{num_bits} bits make too many inputs to hold some out: "
                    "training meets hardly any twice. Leave `holdout` at 0. "
                    f"Received: holdout={holdout!r}"
                )
            return None, None
        numbers = np.arange(2**num_bits, dtype="uint32")
        places = np.arange(num_bits, dtype="uint32")
        bits = (numbers[:, None] >> places & 1).astype("int8")
        bits = bits.reshape(-1, self.num_patterns, self.num_bits)
        order = np.random.default_rng(_HOLDOUT_SEED).permutation(len(bits))
        num_unseen = round(holdout * len(bits))
        if holdout and not 0 < num_unseen < len(bits):
            raise ValueError(
                f"`holdout` keeps {num_unseen} of {len(bits)} inputs out of "
                "training: choose a share that leaves some on both sides. "
                f"Received: holdout={holdout!r}"
            )
        unseen, seen = np.split(order, [num_unseen])
        return bits[np.sort(seen)], bits[np.sort(unseen)]
