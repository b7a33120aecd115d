"""Converts batches of several lengths to a `tf.data.Dataset`."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np


def as_tensorflow_reads(x: keras.utils.PyDataset) -> Any:
    """A `tf.data.Dataset` of the same batches, in the same order."""
    import tensorflow as tf

    def spec(array: Any, num_free: int) -> Any:
        array = np.asarray(array)
        free = min(num_free, array.ndim)
        shape = [None] * free + list(array.shape[free:])
        return tf.TensorSpec(shape, array.dtype)

    # Inputs are free in batch and length, answers and weights in the batch.
    inputs, *others = _parts(x[0])
    signature = (
        keras.tree.map_structure(lambda array: spec(array, 2), inputs),
        *keras.tree.map_structure(lambda array: spec(array, 1), others),
    )

    def batches() -> Any:
        x.on_epoch_begin()
        endless = itertools.count()
        numbers = endless if x.num_batches is None else range(x.num_batches)
        for index in numbers:
            yield _parts(x[index])
        x.on_epoch_end()

    data = tf.data.Dataset.from_generator(batches, output_signature=signature)
    if x.num_batches is not None:
        data = data.apply(
            tf.data.experimental.assert_cardinality(x.num_batches)
        )
    return data.prefetch(tf.data.AUTOTUNE)


def _parts(batch: Any) -> tuple[Any, ...]:
    """A batch as inputs, answers and weights, as far as it has them."""
    parts = list(batch) if isinstance(batch, (list, tuple)) else [batch]
    while parts[-1] is None:
        parts.pop()
    return tuple(parts)
