"""The trained layers around a trunk: tokens in, readout, head."""

from keras_fpt.layers.head import head
from keras_fpt.layers.head import num_readout_tokens
from keras_fpt.layers.readout import Readout
from keras_fpt.layers.tokens import TokenSpec

__all__ = ["Readout", "TokenSpec", "head", "num_readout_tokens"]
