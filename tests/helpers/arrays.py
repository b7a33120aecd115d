"""Random tokens, and what a model holds and computes, as NumPy arrays."""

import keras
import numpy as np


def tokens(*shape):
    """Random tokens, the same each time."""
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def values(variables):
    """Copies: JAX on CPU may share memory with what NumPy is given."""
    numpy = keras.ops.convert_to_numpy
    return {v.path: np.array(numpy(v.value), copy=True) for v in variables}


def answers(model, x, training=False):
    """What a model computes, without compiling it first."""
    return keras.ops.convert_to_numpy(model(x, training=training))


def draw(task, batch_size=2000, seed=0):
    return task.sample(np.random.default_rng(seed), batch_size)
