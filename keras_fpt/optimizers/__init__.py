"""Optimizers: Adam as PyTorch computes it, learning rates for groups."""

from keras_fpt.optimizers.adam import Adam
from keras_fpt.optimizers.group_adam import GroupAdam

__all__ = ["Adam", "GroupAdam"]
