"""Models to compare with: baselines of the paper, controls of its critics."""

from keras_fpt.baselines.cnn import cnn
from keras_fpt.baselines.controls import no_trunk
from keras_fpt.baselines.controls import one_attention_layer
from keras_fpt.baselines.lstm import lstm
from keras_fpt.baselines.lstm_layer import LayerNormLSTM
from keras_fpt.baselines.transformer import transformer

__all__ = [
    "LayerNormLSTM",
    "cnn",
    "lstm",
    "no_trunk",
    "one_attention_layer",
    "transformer",
]
