"""Seeded random numbers of a variable, the same on every backend."""

from __future__ import annotations

import zlib
from typing import Any

import keras
import numpy as np


def generator(seed: int, path: str) -> np.random.Generator:
    """Returns the random number generator for the variable at `path`."""
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
