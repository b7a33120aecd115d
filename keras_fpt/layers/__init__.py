"""The trained layers around a trunk, and the LSTM of the baselines."""

from keras_fpt.layers.embedding import Embedding
from keras_fpt.layers.interface import Interface
from keras_fpt.layers.lstm import LayerNormLSTM
from keras_fpt.layers.normalization import Standardization
from keras_fpt.layers.readout import Readout
from keras_fpt.layers.tokens import TokenSpec

__all__ = [
    "Embedding",
    "Interface",
    "LayerNormLSTM",
    "Readout",
    "Standardization",
    "TokenSpec",
]
