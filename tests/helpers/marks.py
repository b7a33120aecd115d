"""Which backends a test or a parameter runs on, and how it is compiled."""

import importlib.util

import keras
import pytest

BACKEND = keras.backend.backend()
# Of what does not turn on the backend and takes long: where it is fastest.
once = pytest.mark.skipif(
    BACKEND != "torch" and importlib.util.find_spec("torch") is not None,
    reason="the same on every backend: runs on PyTorch alone",
)
jax_only = pytest.mark.skipif(BACKEND != "jax", reason="of JAX alone")
torch_only = pytest.mark.skipif(BACKEND != "torch", reason="of PyTorch alone")


def each(*names):
    """Families: the first one on every backend, the others on one.

    What an option does to a family is written once for all backends, so one
    family shows that a backend computes it.
    """
    first, *others = names
    return [first, *(pytest.param(*row(name), marks=once) for name in others)]


def row(value):
    return value if isinstance(value, tuple) else (value,)
