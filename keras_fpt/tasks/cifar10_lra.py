"""CIFAR-10 LRA: photographs in gray, a pixel a token."""

from __future__ import annotations

import numpy as np

from keras_fpt.cache import Path
from keras_fpt.tasks.cifar10 import CLASS_NAMES
from keras_fpt.tasks.data_task import Data
from keras_fpt.tasks.images import NUM_HELD_OUT
from keras_fpt.tasks.images import ImageTask

# Weights of red, green and blue, in torchvision and in TensorFlow alike.
_GRAY = np.array([0.2989, 0.587, 0.114], "float32")


class CIFAR10LRA(ImageTask):
    """Recognize what a photograph shows from its pixels in gray, one a token.

    The image task of Long Range Arena. 45,000 training, 5,000 validation and
    10,000 test images, ten classes of equal size: any constant answer
    reaches 10 %, the floor.

    The paper feeds each gray value as a number through a linear layer and
    augments as for CIFAR-10; Long Range Arena embeds it as one of 256 ids,
    augments nothing and validates on the last tenth of the training images.

    Batches: for `"paper"`, tokens of shape `(batch, 1024, 1)`, float32, from
    -1 to 1; for `"lra"`, ids of shape `(batch, 1024)`, int32. Classes of
    shape `(batch,)`, int32. Training never ends, and meets each image once an
    epoch.

    Args:
        variant: string. `"paper"` or `"lra"`. Defaults to `"paper"`.
        augment: bool or `None`. Whether training images are augmented.
            Defaults to `None`: in `"paper"`, not in `"lra"`.
        whole_images: bool. Gives images of shape `(32, 32, 1)`, float32, in
            place of tokens. Defaults to `False`.
        data_dir: string, path or `None`. The folder of tensorflow-datasets,
            for the first read; `None` is `TFDS_DATA_DIR` or its own. Defaults
            to `None`.
        manual_dir: string, path or `None`. A folder with the archive
            `cifar-10-binary.tar.gz`, where it was fetched by hand. Defaults
            to `None`.
        cache_dir: string, path or `None`. Where arrays are kept after the
            first read; `None` is `KERAS_FPT_CACHE` or `~/.cache/keras_fpt`.
            Defaults to `None`.

    Raises:
        ValueError: if there is no such variant; on first use, if the data is
            damaged.
        FileNotFoundError: on first use, if the data is not there and cannot
            be fetched.

    Example:

    ```python
    task = keras_fpt.tasks.CIFAR10LRA(variant="lra")
    task.inputs  # {"num_tokens": 1024, "vocabulary_size": 256}
    ```

    Reference:
        [Tay et al., 2021](https://arxiv.org/abs/2011.04006)
    """

    name = "cifar10_lra"
    variants = {
        "paper": "gray values as numbers, augmented; the code is the same",
        "lra": "gray values as ids, not augmented: Long Range Arena",
    }
    data_set = "cifar10"
    image_shape = (32, 32, 1)
    patch_size = 1
    mean = (0.5,)
    std = (0.5,)
    class_names = CLASS_NAMES
    floor_accuracy = 0.1
    floor_reason = "always answers one class: ten of equal size"
    num_train_examples = 45_000
    citation = "Krizhevsky, 2009; Tay et al., 2021 (Long Range Arena)"
    licence = "none stated by its author"

    def __init__(
        self,
        variant: str = "paper",
        augment: bool | None = None,
        whole_images: bool = False,
        data_dir: Path | None = None,
        manual_dir: Path | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        if augment is None:
            augment = variant == "paper"
        super().__init__(
            variant, augment, whole_images, data_dir, manual_dir, cache_dir
        )
        self.as_ids = variant == "lra" and not whole_images
        if self.as_ids:
            self.inputs = {"num_tokens": 1024, "vocabulary_size": 256}

    def held_out(self, num_rows: int) -> np.ndarray:
        if self.variant == "paper":
            return super().held_out(num_rows)
        # Long Range Arena's split: the last tenth.
        return np.arange(num_rows) >= num_rows - NUM_HELD_OUT

    def load(self, split: str) -> Data:
        data = super().load(split)
        if self.variant == "paper":
            return data
        return Data(gray_levels(data.x), data.y)

    def pixels(self, x: np.ndarray) -> np.ndarray:
        pixels = super().pixels(x)
        # Long Range Arena's are gray already, in whole levels.
        return pixels if self.variant == "lra" else gray(pixels)

    def cut(self, x: np.ndarray) -> np.ndarray:
        if not self.as_ids:
            return super().cut(x)
        return x.reshape(len(x), -1).astype("int32")  # (batch, 1024)


def gray(pixels: np.ndarray) -> np.ndarray:
    """`(batch, height, width, 3)` from 0 to 1 to gray, with one channel."""
    return (pixels @ _GRAY)[..., None]


def gray_levels(images: np.ndarray) -> np.ndarray:
    """Colours to 256 levels of gray, as `tf.image.rgb_to_grayscale` does.

    Args:
        images: uint8 array of shape `(batch, height, width, 3)`.

    Returns:
        uint8 array of shape `(batch, height, width, 1)`.
    """
    levels = [
        # By parts: 50,000 images as float32 would take 600 MB.
        gray(part.astype("float32") * np.float32(1 / 255)) * np.float32(255.5)
        for part in np.array_split(images, max(1, len(images) // 1000))
    ]
    return np.concatenate([level.astype("uint8") for level in levels])
