"""Random numbers of a variable: by seed and path, and by nothing else."""

import keras
import numpy as np

from keras_fpt.seeds import SeededNormal
from keras_fpt.seeds import generator


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
