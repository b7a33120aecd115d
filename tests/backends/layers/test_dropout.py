"""Dropout: a layer like Keras', which drops in training alone."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.checks import check_layer

from keras_fpt.layers.dropout import Dropout


@pytest.mark.compiled
def test_it_is_a_layer():
    check_layer(lambda **k: Dropout(0.5, **k), tokens(3, 7, 5), (3, 7, 5))


def test_it_drops_in_training_alone():
    x = tokens(3, 7, 5)
    layer = Dropout(0.5)
    numpy = keras.ops.convert_to_numpy
    np.testing.assert_array_equal(numpy(layer(x, training=False)), x)
    dropped = numpy(layer(x, training=True)) == 0
    assert 0.3 < dropped.mean() < 0.7
