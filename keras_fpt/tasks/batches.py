"""Batches for `fit` and `evaluate`: endless and seeded, or a fixed set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_fpt.sizes import whole_number


class Stream(keras.utils.PyDataset):
    """Batches without end; a batch is a function of seed and position.

    Args:
        sample: callable that takes a `numpy.random.Generator` and a batch
            size and returns `(x, y)`.
        batch_size: int. Examples a batch.
        seed: int. The seed of the stream, below 2**32.
        start: int. The position of the first batch.
        **kwargs: arguments of `keras.utils.PyDataset`.
    """

    num_batches = None  # Keras' sign for a data set without end

    def __init__(
        self,
        sample: Callable[[np.random.Generator, int], tuple[Any, Any]],
        batch_size: int,
        seed: int,
        start: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sample = sample
        self.batch_size = whole_number("batch_size", batch_size)
        self.seed = whole_number("seed", seed, least=0)
        self.start = whole_number("start", start, least=0)
        if self.seed >= 2**32:
            raise ValueError(
                "`seed` must be below 2**32, or its stream could meet that of "
                f"another split. Received: seed={seed}"
            )

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rng = np.random.default_rng((self.seed, 0, self.start + index))
        return self.sample(rng, self.batch_size)


class Batches(keras.utils.PyDataset):
    """A fixed set of examples in batches; the last may be smaller.

    Args:
        examples: tuple `(x, y)` of arrays; `x` may be a dict of arrays.
        batch_size: int. Examples a batch.
    """

    def __init__(
        self, examples: tuple[Any, Any], batch_size: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.x, self.y = examples
        self.batch_size = whole_number("batch_size", batch_size)

    @property
    def num_examples(self) -> int:
        return len(self.y)

    @property
    def num_batches(self) -> int:
        return -(-self.num_examples // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        low = index * self.batch_size
        rows = slice(low, low + self.batch_size)
        if isinstance(self.x, dict):
            x = {name: array[rows] for name, array in self.x.items()}
            return x, self.y[rows]
        return self.x[rows], self.y[rows]
