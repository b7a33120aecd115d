"""Splits, patches, normalization and augmentation of the image tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_fpt.cache import Path
from keras_fpt.sizes import whole_number
from keras_fpt.tasks.augmentation import augmented
from keras_fpt.tasks.data_task import Data
from keras_fpt.tasks.data_task import DataTask
from keras_fpt.tasks.image_files import read_images

NUM_HELD_OUT = 5_000  # of the training images, for validation
_HELD_OUT_SEED = 0


class ImageTask(DataTask):
    """Classification of images, patch by patch.

    5,000 of the training images are held out for validation, the same in
    every run; the test images are for the final number.

    Args:
        variant: string. The form of the task.
        augment: bool. Whether training images are cropped, flipped and
            rotated randomly.
        whole_images: bool. Whether examples are images of shape
            `(height, width, channels)` in place of tokens.
        data_dir: string, path or `None`. As in `read_images`.
        manual_dir: string, path or `None`. As in `read_images`.
        cache_dir: string, path or `None`. As in `read_images`.
        patch_size: int or `None`. Side of a patch in pixels; `None` is that
            of the class.

    Attributes:
        data_set: string. Its name in tensorflow-datasets.
        image_shape: `(height, width, channels)` of an image as it is cut;
            known before `__init__` of this class.
        patch_size: int. Side of a patch in pixels.
        mean: sequence of floats. Of each channel, in units of 1 for white.
        std: sequence of floats. Of each channel, in the same units.
    """

    data_set: str
    image_shape: tuple[int, int, int]
    patch_size: int = 4
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)

    outputs = 10
    num_validation_examples = NUM_HELD_OUT
    num_test_examples = 10_000

    def __init__(
        self,
        variant: str,
        augment: bool,
        whole_images: bool,
        data_dir: Path | None,
        manual_dir: Path | None,
        cache_dir: Path | None,
        patch_size: int | None = None,
    ) -> None:
        self.check_variant(variant)
        self.variant = variant
        self.augment = augment
        self.whole_images = whole_images
        self.folders = (data_dir, manual_dir, cache_dir)
        height, width, channels = self.image_shape
        if patch_size is not None:
            self.patch_size = whole_number("patch_size", patch_size)
        patch = self.patch_size
        if height % patch or width % patch:
            raise ValueError(
                f"`patch_size` must divide an image of {height} x {width} "
                f"pixels. Received: patch_size={patch}"
            )
        num_tokens = (height // patch) * (width // patch)
        self.inputs = (num_tokens, patch * patch * channels)
        if whole_images:
            self.inputs = self.image_shape

    def load(self, split: str) -> Data:
        arrays = read_images(self.data_set, *self.folders)
        if split == "test":
            return Data(arrays["test_x"], arrays["test_y"])
        held_out = self.held_out(len(arrays["train_y"]))
        rows = held_out if split == "validation" else ~held_out
        return Data(arrays["train_x"][rows], arrays["train_y"][rows])

    def held_out(self, num_rows: int) -> np.ndarray:
        """Which training images are held out: bools of `(num_rows,)`."""
        rng = np.random.default_rng(_HELD_OUT_SEED)
        chosen = np.zeros(num_rows, "bool")
        chosen[rng.permutation(num_rows)[:NUM_HELD_OUT]] = True
        return chosen

    def tokens(self, x: np.ndarray, rng: np.random.Generator | None) -> Any:
        if self.augment and rng is not None:
            x = augmented(x, rng)
        return self.cut(x)

    def cut(self, x: np.ndarray) -> np.ndarray:
        """Makes tokens, or whole images, of rows as they are stored."""
        images = self.normalized(self.pixels(x))
        if self.whole_images:
            return images
        return patches(images, self.patch_size)

    def pixels(self, x: np.ndarray) -> np.ndarray:
        """Images in numbers from 0 to 1, float32, of `image_shape`."""
        return x.astype("float32") / np.float32(255)

    def normalized(self, images: np.ndarray) -> np.ndarray:
        """Subtracts the mean, divides by the std, by channel."""
        mean = np.array(self.mean, "float32")
        return (images - mean) / np.array(self.std, "float32")


def patches(images: np.ndarray, patch_size: int) -> np.ndarray:
    """Cuts images into patches, row by row: a token each.

    Within a token the order is row, column, channel: the original's
    `(p1 p2 c)`.

    Args:
        images: array of shape `(batch, height, width, channels)`.
        patch_size: int. Divides height and width.

    Returns:
        Array of shape `(batch, num_tokens, patch_size**2 * channels)`.
    """
    size, height, width, channels = images.shape
    p = patch_size
    x = images.reshape(size, height // p, p, width // p, p, channels)
    x = x.swapaxes(2, 3)  # (batch, rows, columns, p, p, channels)
    return x.reshape(size, -1, p * p * channels)
