"""Checks the backend, and chooses settings that suit it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

BACKENDS = ("tensorflow", "jax", "torch")


def check_backend() -> None:
    """Refuses a backend that Keras does not know or cannot train with.

    Raises:
        ValueError: if `KERAS_BACKEND`, or Keras' settings where that is not
            set, names none of `BACKENDS`.
    """
    name = os.environ.get("KERAS_BACKEND")
    if not name:
        import keras

        name = keras.backend.backend()
    if name not in BACKENDS:
        raise ValueError(
            f"The backend {name!r} does not train. Known backends: "
            f"{', '.join(BACKENDS)}; set the environment variable "
            "KERAS_BACKEND to one of them before Keras is imported"
        )


def xla_pays() -> bool:
    """Whether XLA is worth its compilation, where it can be left out.

    On a CPU, TensorFlow's own kernels train GPT-2 as fast in float32 and
    faster in bfloat16: `tables/benchmarks/throughput.py` measures it.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return True
    return any(
        not device.startswith("cpu")
        for device in keras.distribution.list_devices()
    )


def copy_of(variable: Any) -> np.ndarray:
    """The value of a variable as a NumPy array that shares no memory.

    JAX on a CPU may give NumPy the memory that training then changes.
    """
    import keras

    value = keras.ops.convert_to_numpy(variable.value)
    return np.array(value, copy=True)


@contextlib.contextmanager
def own_paths() -> Iterator[None]:
    """Gives layers that are made inside paths of their own, from the root.

    Groups, files and initial values go by the paths of variables, which must
    not depend on a `keras.name_scope`, or on a layer in whose `build` a model
    is made. Also a decorator.

    Raises:
        ValueError: where Keras only traces a computation: variables that are
            made there get their values later, and by their initializers.
    """
    import keras

    if _is_traced():
        raise ValueError(
            "Models cannot be made while Keras traces another model, as it "
            "does in the `call` of a layer, or in its `build` if `fit` builds "
            "it: the values of the trunk would be lost. Make the model in "
            "`__init__` of the layer that holds it"
        )
    with keras.name_scope("", override_parent=""):
        yield


def _is_traced() -> bool:
    """Whether a value that is assigned now is gone when the trace ends."""
    import keras

    try:
        # Keras has no public name for its scope without state, which refuses
        # a variable that brings its value.
        keras.Variable(0.0, trainable=False)
    except ValueError:
        return True
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.executing_eagerly()
