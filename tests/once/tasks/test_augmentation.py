"""Augmentation: crops, flips and rotations, and how they are spread."""

import numpy as np
import pytest

from keras_fpt import tasks
from keras_fpt.tasks.augmentation import augmented
from keras_fpt.tasks.augmentation import moved

RNG = np.random.default_rng(0)


def pictures(*shape):
    return RNG.integers(256, size=shape, dtype="uint8")


class TestAugmentation:
    still = {
        "shift": np.zeros((2, 4), int),
        "flip": np.zeros(4, bool),
        "degrees": np.zeros(4),
    }

    @pytest.mark.parametrize("size", [32, 28])
    def test_nothing_moves_an_image_by_nothing(self, size):
        x = pictures(4, size, size, 3)
        np.testing.assert_array_equal(moved(x, **self.still), x)

    def test_crops_from_the_padded_image(self):
        x = pictures(4, 32, 32, 3)
        shift = np.array([[-4, 0, 3, 4], [4, -1, 0, -4]])
        padded = np.pad(x, ((0, 0), (4, 4), (4, 4), (0, 0)))
        result = moved(x, **{**self.still, "shift": shift})
        for i, (down, right) in enumerate(shift.T):
            expected = padded[i, 4 + down :, 4 + right :][:32, :32]
            np.testing.assert_array_equal(result[i], expected)

    def test_flips_what_was_cropped(self):
        x = pictures(4, 32, 32, 3)
        shift = np.array([[1, 2, 3, 4], [1, 2, 3, 4]])
        flip = np.array([True, False, True, False])
        cropped = moved(x, **{**self.still, "shift": shift})
        result = moved(x, **{**self.still, "shift": shift, "flip": flip})
        np.testing.assert_array_equal(result[flip], cropped[flip][:, :, ::-1])
        np.testing.assert_array_equal(result[~flip], cropped[~flip])

    def test_rotates_as_pillow_does(self):
        image = pytest.importorskip("PIL.Image")
        x = pictures(40, 32, 32, 3)
        degrees = np.linspace(-19.7, 20, 40)
        result = moved(x, np.zeros((2, 40), int), np.zeros(40, bool), degrees)
        for row in range(40):
            expected = image.fromarray(x[row]).rotate(degrees[row])
            same = (result[row] == np.array(expected)).all(axis=-1)
            # A pixel that lies between two may fall to the other side.
            assert same.mean() > 0.995

    def test_rotates_what_was_flipped(self):
        x = pictures(4, 32, 32, 1)
        degrees, flip = np.full(4, 15.0), np.ones(4, bool)
        both = moved(x, **{**self.still, "degrees": degrees, "flip": flip})
        after = moved(x[:, :, ::-1], **{**self.still, "degrees": degrees})
        np.testing.assert_array_equal(both, after)

    def test_statistics(self):
        """A mark in the middle shows shift and flip, a ring the rotation."""
        x = np.zeros((20_000, 32, 32, 1), "uint8")
        x[:, 15:17, 15:17] = 255
        result = augmented(x, np.random.default_rng(0))[..., 0] > 0
        rows = result.any(axis=2).argmax(axis=1) - 15
        columns = result.any(axis=1).argmax(axis=1) - 15
        for moves in (rows, columns):
            assert moves.min() < -3 and moves.max() > 3
            np.testing.assert_allclose(moves.mean(), 0, atol=0.1)
            # Uniform over -4..4, and a little by the rotation.
            np.testing.assert_allclose(moves.std(), np.sqrt(60 / 9), atol=0.2)
        # Left and right halves swap in half of the cases.
        x = np.zeros((20_000, 32, 32, 1), "uint8")
        x[:, :, :16] = 255
        left = augmented(x, np.random.default_rng(1))[:, 16, 6, 0] > 0
        np.testing.assert_allclose(left.mean(), 0.5, atol=0.02)

    def test_angles_spread_over_twenty_degrees(self):
        x = np.zeros((4_000, 32, 32, 1), "uint8")
        x[:, 15:17, 4:28] = 255
        image = augmented(x, np.random.default_rng(0))[..., 0] > 0
        row, column = np.mgrid[:32, :32]
        weight = image / image.sum(axis=(1, 2), keepdims=True)
        means = [(weight * axis).sum(axis=(1, 2)) for axis in (row, column)]
        y = row - means[0][:, None, None]
        x = column - means[1][:, None, None]
        slope = (weight * y * x).sum((1, 2)) / (weight * x * x).sum((1, 2))
        angle = np.degrees(np.arctan(slope))
        assert -24 < angle.min() < -17 and 17 < angle.max() < 24
        np.testing.assert_allclose(angle.mean(), 0, atol=1)
        np.testing.assert_allclose(angle.std(), 20 / np.sqrt(3), rtol=0.1)

    def test_training_images_alone_are_augmented(self, made_up):
        plain = tasks.CIFAR10(augment=False, cache_dir=made_up)
        task = tasks.CIFAR10(cache_dir=made_up)
        rows = np.arange(8)
        for split in ("validation", "test"):
            np.testing.assert_array_equal(
                task.examples_at(split, rows)[0],
                plain.examples_at(split, rows)[0],
            )
        x, y = task.train_data(8, seed=1)[0]
        other, same = plain.train_data(8, seed=1)[0]
        np.testing.assert_array_equal(y, same)
        assert (x != other).any()
        again, _ = task.train_data(8, seed=1)[0]
        np.testing.assert_array_equal(x, again)
