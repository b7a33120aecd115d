"""Random crop, flip and rotation of images, many at once."""

from __future__ import annotations

import numpy as np

# Of the original's training images (torchvision's transforms).
PADDING = 4  # pixels on each side, before a crop of the old size
DEGREES = 20.0  # largest rotation, either way


def augmented(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Crops, flips and rotates each image randomly.

    A crop from the image padded by 4 pixels of zeros, a flip from left to
    right in half of the cases, a rotation by up to 20 degrees.

    Args:
        images: array of shape `(batch, height, width, channels)`.
        rng: `numpy.random.Generator`. The only source of chance.

    Returns:
        Array of the same shape and dtype.
    """
    size = len(images)
    shift = rng.integers(-PADDING, PADDING, size=(2, size), endpoint=True)
    flip = rng.random(size) < 0.5
    degrees = rng.uniform(-DEGREES, DEGREES, size=size)
    return moved(images, shift, flip, degrees)


def moved(
    images: np.ndarray,
    shift: np.ndarray,
    flip: np.ndarray,
    degrees: np.ndarray,
) -> np.ndarray:
    """Crops, flips, then rotates images in one look-up.

    All three move whole pixels (rotation takes the nearest), so that the
    place from which a pixel comes is computed once, and nothing is blurred.

    Args:
        images: array of shape `(batch, height, width, channels)`.
        shift: int array of shape `(2, batch)`. Rows and columns by which the
            crop lies below and right of the image.
        flip: bool array of shape `(batch,)`. Whether left and right swap.
        degrees: float array of shape `(batch,)`. Counter-clockwise.

    Returns:
        Array of the same shape and dtype; zero where no pixel comes from.
    """
    size, height, width, channels = images.shape
    angle = np.deg2rad(degrees.astype("float32"))[:, None]
    row, column = np.divmod(
        np.arange(height * width, dtype="int32"), np.int32(width)
    )
    y = row.astype("float32") - (height - 1) / 2
    x = column.astype("float32") - (width - 1) / 2
    cos, sin = np.cos(angle), np.sin(angle)  # (batch, 1)
    # Where a pixel of the rotated image lies in the one before.
    row = np.rint(cos * y + sin * x + (height - 1) / 2).astype("int32")
    column = np.rint(cos * x - sin * y + (width - 1) / 2).astype("int32")
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    column = np.where(flip[:, None], width - 1 - column, column)
    row += shift[0][:, None].astype("int32")
    column += shift[1][:, None].astype("int32")
    inside &= (row >= 0) & (row < height) & (column >= 0) & (column < width)
    # One more pixel, zero, stands for all outside.
    pixels = np.zeros((size, height * width + 1, channels), images.dtype)
    pixels[:, :-1] = images.reshape(size, -1, channels)
    source = np.where(inside, row * width + column, height * width)
    return pixels[np.arange(size)[:, None], source].reshape(images.shape)
