"""Checks the backend, and chooses settings that suit it."""

from __future__ import annotations

import os
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
    faster in bfloat16: `tables/throughput.py` measures it.
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
