"""Random numbers of a variable: by seed and path, and by nothing else."""

import keras
import numpy as np

from keras_fpt.seeds import SeededNormal
from keras_fpt.seeds import generator
from keras_fpt.seeds import redraw


def test_seed_and_path_give_the_numbers():
    def numbers(seed, path):
        return generator(seed, path).standard_normal(4, dtype="float32")

    first = numbers(0, "block_0/kernel")
    np.testing.assert_array_equal(first, numbers(0, "block_0/kernel"))
    assert not np.any(first == numbers(1, "block_0/kernel"))
    assert not np.any(first == numbers(0, "block_1/kernel"))


def test_the_numbers_stay_the_same_between_versions():
    # Seeds of the records mean these numbers.
    np.testing.assert_array_equal(
        generator(7, "a/b").integers(0, 1000, 3), [678, 853, 777]
    )


def test_an_initializer_of_these_numbers():
    initializer = SeededNormal(0.5, seed=7, path="a/b")
    again = SeededNormal.from_config(initializer.get_config())
    drawn = keras.ops.convert_to_numpy(again((3, 4), "float32"))
    noise = generator(7, "a/b").standard_normal((3, 4), dtype="float32")
    np.testing.assert_allclose(drawn, 0.5 * noise, rtol=1e-6)


def test_layers_are_drawn_again_by_their_own_initializers():
    def make(name, seed):
        layer = keras.layers.Dense(
            50,
            bias_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
            name=name,
        )
        layer.build((None, 40))
        redraw([layer, keras.layers.Dropout(0.5)], seed)
        return [keras.ops.convert_to_numpy(v) for v in layer.weights]

    kernel, bias = make("one", 0)
    for ours, theirs in zip(make("one", 0), (kernel, bias), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (make("one", 1)[0] != kernel).any()
    assert (make("other", 0)[0] != kernel).any()
    # Glorot's limit, and the bias no copy of the kernel's first numbers.
    assert 0.2 < np.abs(kernel).max() <= np.sqrt(6 / 90)
    assert not np.allclose(bias / 0.1, kernel[0] / np.sqrt(6 / 90))
    assert (make("one", None)[0] != make("one", None)[0]).any()
