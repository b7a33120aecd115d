"""The embedding: a layer like Keras', whose ids may come several times."""

import keras
import numpy as np
import pytest
from helpers.checks import check_layer

from keras_fpt.layers import Embedding


def test_first_step_of_adam_is_the_learning_rate():
    """Whatever the gradient: it divides by its own size."""
    ids = np.array([[0, 0, 0, 2, 2]])
    x = keras.Input((5,), dtype="int32")
    layer = Embedding(3, 2)
    flat = keras.layers.Flatten()(layer(x))
    model = keras.Model(x, keras.layers.Dense(1)(flat))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    before = np.array(layer.get_weights()[0])
    model.train_on_batch(ids, np.ones((1, 1)))
    moved = np.abs(layer.get_weights()[0] - before)
    np.testing.assert_allclose(moved[[0, 2]], 0.01, rtol=1e-3)
    np.testing.assert_array_equal(moved[1], 0)


@pytest.mark.compiled
def test_it_is_a_layer():
    check_layer(
        lambda **k: Embedding(7, 4, **k), np.array([[0, 3, 6]]), (1, 3, 4)
    )
