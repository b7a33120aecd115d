"""CIFAR-10: normalization."""

import numpy as np

from keras_fpt import tasks

RNG = np.random.default_rng(0)


def pictures(*shape):
    return RNG.integers(256, size=shape, dtype="uint8")


def test_cifar10_is_normalized_as_the_original():
    x = pictures(5, 32, 32, 3)
    whole = tasks.CIFAR10(whole_images=True).tokens(x, None)
    for channel, (mean, std) in enumerate(
        [(0.4914, 0.2023), (0.4822, 0.1994), (0.4465, 0.2010)]
    ):
        np.testing.assert_allclose(
            whole[..., channel],
            (x[..., channel] / 255 - mean) / std,
            atol=1e-5,
        )
