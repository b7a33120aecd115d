"""The trained layers around a trunk: tokens in, readout, head."""

from keras_fpt.layers.interface import Interface
from keras_fpt.layers.readout import Readout
from keras_fpt.layers.tokens import TokenSpec

__all__ = ["Interface", "Readout", "TokenSpec"]
