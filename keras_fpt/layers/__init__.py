"""The trained layers around a trunk."""

from keras_fpt.layers.embedding import Embedding
from keras_fpt.layers.interface import Interface
from keras_fpt.layers.normalization import Standardization
from keras_fpt.layers.padding import ZeroPadding
from keras_fpt.layers.readout import Readout
from keras_fpt.layers.tokens import TokenSpec

__all__ = [
    "Embedding",
    "Interface",
    "Readout",
    "Standardization",
    "TokenSpec",
    "ZeroPadding",
]
