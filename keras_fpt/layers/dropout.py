"""Dropout whose mask takes 16 random bits per element."""

from __future__ import annotations

import math
import threading
from typing import Any

import keras

# Rates are met to within half of this, 1 / 131,072.
_STEPS = 2**16
_of_thread = threading.local()


@keras.saving.register_keras_serializable(package="keras_fpt")
class Dropout(keras.layers.Dropout):
    """Dropout with a faster mask on PyTorch CPU.

    Args:
        rate: float. The share that is set to zero, in `[0, 1)`.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        return drop(self, inputs, training)


def drop(layer: Any, x: Any, training: Any) -> Any:
    """Applies a `keras.layers.Dropout` by way of `dropout`."""
    if not training or not layer.rate:
        return x
    return dropout(x, layer.rate, layer.seed_generator)


def dropout(x: Any, rate: float, seed_generator: Any) -> Any:
    """Sets elements to zero at random, and scales the others up.

    As `keras.random.dropout`. On a CPU, PyTorch takes a seventh of the time:
    its own draws a float32 for each element, and a tenth of a training step
    goes by.

    Args:
        x: Tensor.
        rate: float. The share that is set to zero, in `(0, 1)`.
        seed_generator: `keras.random.SeedGenerator`. PyTorch draws from its
            global generator, as in every dropout of Keras without a seed.
    """
    if keras.backend.backend() == "torch" and x.device.type == "cpu":
        return _on_torch_cpu(x, rate)
    return keras.random.dropout(x, rate, seed=seed_generator)


def _on_torch_cpu(x: Any, rate: float) -> Any:
    import torch

    count = math.prod(x.shape)
    # Every draw gives the bits for four elements.
    draws = _scratch(-(-count // 4))
    draws.random_(-(2**63), None)
    bits = draws.view(torch.int16)[:count].view(x.shape)
    dropped = round(rate * _STEPS)
    kept = bits >= dropped - _STEPS // 2  # these bits have a sign
    # By way of bytes, for PyTorch is slow to turn bools into numbers.
    mask = kept.view(torch.uint8).to(x.dtype)
    return x * mask.mul_(1 / (1 - rate))


def _scratch(size: int) -> Any:
    """Memory for so many draws: fresh pages take longer than the draws."""
    import torch

    kept = getattr(_of_thread, "draws", None)
    if kept is None or len(kept) < size:
        kept = _of_thread.draws = torch.empty(size, dtype=torch.int64)
    return kept[:size]
