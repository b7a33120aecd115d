"""Batches for `fit` and `evaluate`: endless and seeded, or a fixed set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_fpt.sizes import whole_number
from keras_fpt.tasks.order import FixedOrder
from keras_fpt.tasks.order import ShuffledOrder


class EndlessDataset(keras.utils.PyDataset):
    """Batches without end; a batch is a function of seed and position.

    Args:
        batch_size: int. Examples a batch.
        seed: int. The seed of the stream, below 2**32.
        start: int. The position of the first batch.
        **kwargs: arguments of `keras.utils.PyDataset`.
    """

    num_batches = None  # Keras' sign for a data set without end

    def __init__(
        self, batch_size: int, seed: int, start: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.batch_size = whole_number("batch_size", batch_size)
        # A larger seed could meet the stream of another, or of a split.
        self.seed = whole_number("seed", seed, least=0, below=2**32)
        self.start = whole_number("start", start, least=0)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        position = self.start + index
        rng = np.random.default_rng((self.seed, 0, position))
        return self.batch(position, rng)

    def batch(self, position: int, rng: np.random.Generator) -> tuple[Any, Any]:
        """Makes the batch at a position; random numbers come from `rng`."""
        raise NotImplementedError


class Stream(EndlessDataset):
    """Examples that are drawn again for each batch.

    Args:
        sample: callable that takes a `numpy.random.Generator` and a batch
            size and returns `(x, y)`.
        batch_size: int. Examples a batch.
        seed: int. The seed of the stream, below 2**32.
        start: int. The position of the first batch.
        **kwargs: arguments of `keras.utils.PyDataset`.
    """

    def __init__(
        self,
        sample: Callable[[np.random.Generator, int], tuple[Any, Any]],
        batch_size: int,
        seed: int,
        start: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(batch_size, seed, start, **kwargs)
        self.sample = sample

    def batch(self, position: int, rng: np.random.Generator) -> tuple[Any, Any]:
        return self.sample(rng, self.batch_size)


class ShuffledStream(EndlessDataset):
    """The examples of a set, epoch after epoch, each in an order of its own.

    Args:
        examples_at: callable that takes rows and a `numpy.random.Generator`
            and returns `(x, y)`.
        num_rows: int. Size of the set.
        batch_size: int. Examples a batch.
        seed: int. The seed of the stream, below 2**32.
        start: int. The position of the first batch.
        groups: int array or `None`. One number a row; a batch takes rows of
            one group where it can.
        **kwargs: arguments of `keras.utils.PyDataset`.
    """

    def __init__(
        self,
        examples_at: Callable[[np.ndarray, np.random.Generator], Any],
        num_rows: int,
        batch_size: int,
        seed: int,
        start: int,
        groups: np.ndarray | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(batch_size, seed, start, **kwargs)
        self.examples_at = examples_at
        self.order = ShuffledOrder(num_rows, self.batch_size, self.seed, groups)

    def batch(self, position: int, rng: np.random.Generator) -> tuple[Any, Any]:
        return self.examples_at(self.order.rows(position), rng)


class Batches(keras.utils.PyDataset):
    """A fixed set of examples in batches; the last may be smaller.

    Args:
        examples: tuple `(x, y)` of arrays; `x` may be a dict of arrays.
        batch_size: int. Examples a batch.
        lengths: int array or `None`. The length to which each example needs
            to be padded, no more: examples of one length share batches,
            which are cut to it. The longest come first, the other batches in
            a fixed random order. Defaults to `None`: in order, and not cut.
    """

    def __init__(
        self,
        examples: tuple[Any, Any],
        batch_size: int,
        lengths: np.ndarray | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.x, self.y = examples
        self.batch_size = whole_number("batch_size", batch_size)
        self.lengths = lengths
        self.order = FixedOrder(len(self.y), self.batch_size, lengths)

    @property
    def num_batches(self) -> int:
        return self.order.num_batches

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rows = self.order.rows(index)
        x = keras.tree.map_structure(lambda array: array[rows], self.x)
        if self.lengths is not None:
            length = self.lengths[rows].max()
            x = keras.tree.map_structure(lambda array: array[:, :length], x)
        return x, self.y[rows]
