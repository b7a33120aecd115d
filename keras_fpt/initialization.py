"""Where a trunk's values come from when they are not the pretrained ones."""

from __future__ import annotations

import re
import zlib

import numpy as np

from keras_fpt.trunks import Trunk

INITIALIZATIONS = ("pretrained", "random")


def check_initialization(initialization: str) -> None:
    """Refuses the name of an initialization that does not exist."""
    if initialization not in INITIALIZATIONS:
        raise ValueError(
            f"`initialization` must be one of {INITIALIZATIONS}. "
            f"Received: initialization={initialization!r}"
        )


def draw_random(trunk: Trunk, seed: int) -> None:
    """Draws every variable of a trunk by the default scheme of its backbone.

    NumPy draws, from the seed and the variable's path: the same seed gives
    the same trunk on every backend, in any order of building.

    Args:
        trunk: a `Trunk`. Changed in place.
        seed: int. The seed of the draw.
    """
    for variable in trunk.weights:
        deviation, mean = _moments(trunk, variable.path)
        path = zlib.crc32(variable.path.encode())
        rng = np.random.default_rng((seed, path))
        noise = rng.standard_normal(variable.shape, dtype="float32")
        variable.assign(mean + deviation * noise)


def _moments(trunk: Trunk, path: str) -> tuple[float, float]:
    for pattern, deviation, mean in trunk.initial_values:
        if re.fullmatch(pattern, path):
            return deviation, mean
    raise ValueError(
        f"{type(trunk).__name__} does not say how {path!r} is initialized: "
        "add it to `initial_values`"
    )
