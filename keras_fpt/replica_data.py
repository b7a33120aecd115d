"""Data sets for replicas: arrays in batches, and one batch for each replica."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt.sizes import whole_number

_BATCH_SIZE = 32  # Keras' own default of `fit`


class ArrayBatches(keras.utils.PyDataset):
    """Arrays in batches, in an order of its own for each epoch.

    Args:
        arrays: tuple `(x, y)` or `(x, y, sample_weight)`; `x` may be a dict.
        batch_size: int. Examples a batch; the last may have fewer.
        seed: int or `None`. Of the orders. `None` keeps that of the arrays.
    """

    def __init__(
        self, arrays: tuple[Any, ...], batch_size: int, seed: int | None
    ) -> None:
        super().__init__()
        self.arrays = keras.tree.map_structure(
            keras.ops.convert_to_numpy, arrays
        )
        self.batch_size = batch_size
        counts = {len(array) for array in keras.tree.flatten(self.arrays)}
        if len(counts) != 1 or counts == {0}:
            raise ValueError(
                "Expected arrays of one number of examples, at least 1. "
                f"Received: {sorted(counts)}"
            )
        (self.count,) = counts
        self.seed = seed
        self.restart()

    def restart(self) -> None:
        """Goes back to the order of the first epoch."""
        self.epoch = 0
        self._shuffle()

    @property
    def num_batches(self) -> int:
        return -(-self.count // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        begin = index * self.batch_size
        rows = self.rows[begin : begin + self.batch_size]
        return keras.tree.map_structure(lambda array: array[rows], self.arrays)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        self.rows = np.arange(self.count)
        if self.seed is not None:
            np.random.default_rng((self.seed, self.epoch)).shuffle(self.rows)


class Zipped(keras.utils.PyDataset):
    """Batches that hold one of each data set, stacked.

    Args:
        data: sequence of `keras.utils.PyDataset`, in batches of equal shapes.
    """

    def __init__(self, data: Sequence[Any]) -> None:
        super().__init__()
        for each in data:
            if not isinstance(each, keras.utils.PyDataset):
                raise ValueError(
                    "Data of each replica's own are arrays or "
                    f"`keras.utils.PyDataset`s. Received: {type(each)}"
                )
        counts = {each.num_batches for each in data}
        if len(counts) != 1:
            raise ValueError(
                "Expected as many batches for each replica. Received: "
                f"{sorted(counts, key=str)}"
            )
        self.data = list(data)

    @property
    def num_batches(self) -> int | None:
        return self.data[0].num_batches

    def __getitem__(self, index: int) -> Any:
        batches = [tuple(each[index]) for each in self.data]
        shapes = {
            tuple(np.shape(array) for array in keras.tree.flatten(batch))
            for batch in batches
        }
        if len(shapes) != 1:
            raise ValueError(
                "Replicas that train together take batches of equal shapes. "
                f"Received at batch {index}: {sorted(shapes)}"
            )
        return keras.tree.map_structure(lambda *each: np.stack(each), *batches)

    def on_epoch_begin(self) -> None:
        for each in self.data:
            each.on_epoch_begin()

    def on_epoch_end(self) -> None:
        for each in self.data:
            each.on_epoch_end()


def first_batch(data: Any) -> tuple[tuple[Any, ...], Any]:
    """The first batch of a data set, and the data set that still has it."""
    if isinstance(data, keras.utils.PyDataset):
        return tuple(data[0]), data
    iterator = iter(data)
    batch = next(iterator)
    if iterator is data:
        data = itertools.chain([batch], data)
    as_arrays = keras.tree.map_structure(
        keras.ops.convert_to_numpy, tuple(batch)
    )
    return as_arrays, data


def data_sets(
    models: Sequence[Any],
    given: tuple[Any, ...],
    batch_size: int | None,
    seed: int | None = None,
) -> list[Any]:
    """The data set of each model, from one for all or lists of one for each.

    Args:
        models: sequence of `FrozenModel`. They check their arrays.
        given: tuple `(x, y, sample_weight)`, as `Replicas.fit` takes them.
        batch_size: int or `None`. Of arrays. `None`: 32.
        seed: int or `None`. Of the order of arrays. Defaults to `None`: as
            they are.
    """
    columns = [_for_each(value, len(models)) for value in given]
    made: dict[Any, Any] = {}
    sets = []
    for model, x, y, weight in zip(models, *columns, strict=True):
        if y is None:
            sets.append(x)
            continue
        key = id(x), id(y), id(weight)
        if key not in made:
            model.check_batch(x, y)
            arrays = (x, y) if weight is None else (x, y, weight)
            size = whole_number("batch_size", batch_size or _BATCH_SIZE)
            made[key] = ArrayBatches(arrays, size, seed)
        sets.append(made[key])
    return sets


def validation_sets(
    models: Sequence[Any], given: Any, batch_size: int | None
) -> list[Any]:
    """The same of `validation_data`: tuples of arrays, or data sets."""
    columns = []
    for each in _for_each(given, len(models)):
        parts = each if isinstance(each, tuple) else (each,)
        columns.append((*parts, None, None)[:3])
    x, y, weight = (list(column) for column in zip(*columns, strict=True))
    return data_sets(models, (x, y, weight), batch_size)


def together(sets: Sequence[Any], own: bool) -> Any:
    """One data set for all: the one that they share, or their own, zipped."""
    return Zipped(sets) if own else sets[0]


def is_endless(data: Any) -> bool:
    return isinstance(data, keras.utils.PyDataset) and data.num_batches is None


def check_repeats(sets: Sequence[Any]) -> None:
    """Refuses a generator, which the first replica would use up."""
    for data in sets if len(sets) > 1 else ():
        if not isinstance(data, keras.utils.PyDataset) and iter(data) is data:
            raise ValueError(
                "Replicas that train one after the other each read their data "
                "set. Received: a generator, which can be read once; pass a "
                "`keras.utils.PyDataset`"
            )


def _for_each(value: Any, count: int) -> list[Any]:
    if not isinstance(value, list):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"A list holds one for each replica: expected {count}. "
            f"Received: {len(value)}"
        )
    return value
