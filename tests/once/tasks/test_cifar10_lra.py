"""CIFAR-10 LRA: gray levels, its two forms, its holdout."""

import numpy as np
import pytest

from keras_fpt import tasks
from keras_fpt.tasks.cifar10_lra import gray
from keras_fpt.tasks.cifar10_lra import gray_levels

RNG = np.random.default_rng(0)


def pictures(*shape):
    return RNG.integers(256, size=shape, dtype="uint8")


def test_cifar10_lra_is_gray():
    x = pictures(5, 32, 32, 3)
    tokens = tasks.CIFAR10LRA().tokens(x, None)
    assert (tokens.shape, tokens.dtype) == ((5, 1024, 1), "float32")
    red, green, blue = np.moveaxis(x / 255, -1, 0)
    expected = 0.2989 * red + 0.587 * green + 0.114 * blue
    np.testing.assert_allclose(
        tokens.reshape(5, 32, 32), (expected - 0.5) / 0.5, atol=1e-5
    )


def test_gray_levels_are_tensorflows():
    tf = pytest.importorskip("tensorflow")
    x = pictures(1500, 8, 8, 3)
    expected = np.array(tf.image.rgb_to_grayscale(x))
    assert gray_levels(x).dtype == "uint8"
    difference = gray_levels(x).astype(int) - expected
    # Sums in another order fall on the other side of a level at times.
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 1e-3


def test_lra_tokens_are_the_levels():
    task = tasks.CIFAR10LRA("lra")
    levels = pictures(5, 32, 32, 1)
    tokens = task.tokens(levels, None)
    assert (tokens.shape, tokens.dtype) == ((5, 1024), "int32")
    np.testing.assert_array_equal(tokens, levels.reshape(5, -1))
    whole = tasks.CIFAR10LRA("lra", whole_images=True).tokens(levels, None)
    np.testing.assert_allclose(whole, (levels / 255 - 0.5) / 0.5, atol=1e-5)


def test_gray_of_a_gray_image_is_the_image():
    x = np.repeat(RNG.random((2, 3, 3, 1), dtype="float32"), 3, axis=-1)
    np.testing.assert_allclose(gray(x), 0.9999 * x[..., :1], rtol=1e-5)


def test_lra_holds_out_the_last_tenth():
    held_out = tasks.CIFAR10LRA("lra").held_out(50_000)
    assert held_out[45_000:].all() and not held_out[:45_000].any()
    paper = tasks.CIFAR10LRA().held_out(50_000)
    assert paper.sum() == 5_000 and paper[:45_000].sum() > 4_000
