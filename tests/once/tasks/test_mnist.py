"""MNIST: padding, its two forms, what it says of itself."""

import numpy as np

from keras_fpt import tasks
from keras_fpt.tasks.images import patches

RNG = np.random.default_rng(0)


def pictures(*shape):
    return RNG.integers(256, size=shape, dtype="uint8")


def test_mnist_is_padded_by_two_pixels_of_zeros():
    x = pictures(5, 28, 28, 1)
    whole = tasks.MNIST(whole_images=True).tokens(x, None)
    assert whole.shape == (5, 32, 32, 1)
    np.testing.assert_array_equal(
        whole[:, 2:30, 2:30], x.astype("float32") / 255
    )
    assert np.isclose(whole.sum(), (x / 255).sum(), rtol=1e-5)
    tokens = tasks.MNIST().tokens(x, None)
    np.testing.assert_array_equal(tokens, patches(whole, 4))
    code = tasks.MNIST("code").tokens(x, None)
    np.testing.assert_array_equal(code, patches(x / np.float32(255), 4))


def test_it_describes_itself(made_up):
    task = tasks.MNIST("code", cache_dir=made_up)
    printed = []
    facts = task.describe(printed.append)
    assert facts["train (train)"] == 55_000
    text = "\n".join(printed)
    for part in ("55,000", "49 tokens of 16", "0.1135", "LeCun", "CC BY"):
        assert part in text
