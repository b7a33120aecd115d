"""Draws the initial values of variables from a seed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np


def generator(seed: int, path: str) -> np.random.Generator:
    """Returns the random number generator for the variable at `path`.

    Its numbers are the same on every backend.
    """
    return np.random.default_rng((seed, zlib.crc32(path.encode())))


@keras.saving.register_keras_serializable(package="keras_fpt")
class SeededNormal(keras.initializers.Initializer):
    """Draws from N(0, stddev), the same numbers on every backend.

    Args:
        stddev: float. The standard deviation.
        seed: int. The seed of the draw.
        path: string. The path of the variable, which tells draws of one seed
            apart.

    Example:

    ```python
    initializer = keras_fpt.seeds.SeededNormal(0.1, seed=0, path="dense/bias")
    keras.layers.Dense(8, bias_initializer=initializer)
    ```
    """

    def __init__(self, stddev: float, seed: int, path: str) -> None:
        self.stddev = stddev
        self.seed = seed
        self.path = path

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        noise = generator(self.seed, self.path).standard_normal(
            tuple(shape), dtype="float32"
        )
        return keras.ops.convert_to_tensor(self.stddev * noise, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"stddev": self.stddev, "seed": self.seed, "path": self.path}


def redraw(layers: Iterable[Any], seed: int | None) -> None:
    """Draws kernels, biases and embeddings of layers again, from a seed.

    Each is drawn by its own initializer, so the numbers are those of one
    backend. Equal seeds, names of layers and shapes give equal values.

    Args:
        layers: iterable of Keras layers, built. Those without such variables,
            and those whose initializers draw nothing, stay as they are.
        seed: int or `None`. `None` leaves all as it is.
    """
    if seed is None:
        return
    for layer in layers:
        for name in ("kernel", "bias", "embeddings"):
            initializer = getattr(layer, f"{name}_initializer", None)
            variable = getattr(layer, name, None)
            if initializer is None or variable is None:
                continue
            config = initializer.get_config()
            if "seed" in config:
                path = f"{seed}/{layer.name}/{name}"
                config["seed"] = zlib.crc32(path.encode())
                draw = type(initializer).from_config(config)
                variable.assign(draw(variable.shape, dtype=variable.dtype))
