"""Dropout: a layer like Keras', which drops in training alone."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
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


class TestDropout:
    x = np.ones((64, 50, 40), "float32")  # 128,000 draws

    def drop(self, rate=0.1, dtype="float32", seed=0):
        keras.utils.set_random_seed(seed)
        layer = Dropout(rate, dtype=dtype)
        y = layer(self.x, training=True)
        return keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))

    @pytest.mark.parametrize("rate", [0.1, 0.5, 0.003])
    def test_share_and_scale(self, rate):
        y = self.drop(rate)
        share = (y == 0).mean()
        error = np.sqrt(rate * (1 - rate) / y.size)
        assert abs(share - rate) < 4.5 * error
        np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-6)
        # Along every axis alike: no row, column or neighbour is favoured.
        dropped = (y == 0).astype("float64")
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            means = dropped.mean(axis=others)
            size = y.size / y.shape[axis]
            worst = np.abs(means - rate).max()
            assert worst < 5 * np.sqrt(rate * (1 - rate) / size) + 1e-5
            both = dropped * np.roll(dropped, 1, axis)
            assert abs(both.mean() - rate**2) < 6 * rate / np.sqrt(y.size)

    def test_seeds_and_draws(self):
        first = self.drop(seed=1)
        np.testing.assert_array_equal(first, self.drop(seed=1))
        assert (first != self.drop(seed=2)).any()
        layer = Dropout(0.5)
        one, two = (layer(self.x, training=True) for _ in range(2))
        assert 0.45 < np.mean(np.asarray(one) == np.asarray(two)) < 0.55

    def test_bfloat16_and_no_dropout(self):
        y = self.drop(0.25, "bfloat16")
        assert set(np.unique(y)) == {0.0, 1.3359375}  # 4/3 of 8 bits
        for layer, training in ((Dropout(0.5), False), (Dropout(0.0), True)):
            y = layer(self.x, training=training)
            np.testing.assert_array_equal(np.asarray(y), self.x)

    def test_gradients_pass_where_values_pass(self):
        """A linear model of one step: its gradient is its kept input."""
        x = keras.Input((400,))
        kept = Dropout(0.5)(x)
        model = keras.Model(
            x, keras.layers.Dense(1, kernel_initializer="zeros")(kept)
        )
        model.compile(keras.optimizers.SGD(1.0), lambda y, answer: -answer)
        model.train_on_batch(np.ones((1, 400)), np.zeros((1, 1)))
        kernel = np.asarray(values(model.weights)[model.weights[0].path])
        assert set(np.unique(kernel)) == {0.0, 2.0}
        assert 140 < (kernel == 0).sum() < 260
