"""Which backend computes: one that trains, or it is refused."""

from __future__ import annotations

import os

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
