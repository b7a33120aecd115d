"""Batches for `fit` and `evaluate`: endless and seeded, or a fixed set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


class Stream(keras.utils.PyDataset):
    """Batches without end; a batch is a function of seed and position.

    Args:
        sample: callable that takes a `numpy.random.Generator` and a batch
            size and returns `(x, y)`.
        batch_size: int. Examples a batch.
        seed: int. The seed of the stream.
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
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("seed", seed, 0),
            ("start", start, 0),
        ):
            if value < least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: {value}"
                )
        self.sample = sample
        self.batch_size = batch_size
        self.seed = seed
        self.start = start

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
        if batch_size < 1:
            raise ValueError(
                f"`batch_size` must be at least 1. Received: {batch_size}"
            )
        self.x, self.y = examples
        self.batch_size = batch_size

    @property
    def num_examples(self) -> int:
        return len(self.y)

    @property
    def num_batches(self) -> int:
        return -(-self.num_examples // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not 0 <= index < self.num_batches:  # also ends a `for` loop
            raise IndexError(f"No batch {index} in {self.num_batches}")
        low = index * self.batch_size
        rows = slice(low, low + self.batch_size)
        if isinstance(self.x, dict):
            x = {name: array[rows] for name, array in self.x.items()}
            return x, self.y[rows]
        return self.x[rows], self.y[rows]
