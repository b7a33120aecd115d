"""Draws the initial values of variables from a seed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np


def generator(seed: int, path: str) -> np.random.Generator:
    """Returns the random number generator for the variable at `path`.

    Its numbers are the same on every backend.
    """
    return np.random.default_rng((seed, zlib.crc32(path.encode())))


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
