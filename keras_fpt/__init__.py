"""Frozen pretrained transformers, for sequences of anything.

A sequence of anything goes in, a frozen pretrained transformer computes, a
linear head reads the answer out.
"""

from keras_fpt import layers
from keras_fpt import tasks
from keras_fpt.attention import attention_maps
from keras_fpt.fpt import FrozenPretrainedTransformer

__version__ = "0.1.0"

__all__ = [
    "FrozenPretrainedTransformer",
    "attention_maps",
    "layers",
    "tasks",
]
