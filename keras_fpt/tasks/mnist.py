"""MNIST: handwritten digits, cut into patches."""

from __future__ import annotations

import numpy as np

from keras_fpt.cache import Path
from keras_fpt.tasks.images import ImageTask


class MNIST(ImageTask):
    """Recognize handwritten digits from patches of 4 x 4 pixels.

    55,000 training, 5,000 validation and 10,000 test images. Pixels are
    numbers from 0 to 1, neither normalized further nor augmented, as in the
    original. Always answering 1, the most frequent digit, reaches 11.35 % of
    the test images: that is the floor.

    Batches: tokens of shape `(batch, 64, 16)`, float32; classes of shape
    `(batch,)`, int32. Training never ends, and meets each image once an
    epoch.

    Args:
        variant: string. `"paper"` pads images to 32 x 32 pixels: 64 tokens.
            `"code"` leaves them at 28 x 28, as the original's code does: 49
            tokens. Defaults to `"paper"`.
        whole_images: bool. Gives images of shape `(32, 32, 1)`, or `(28, 28,
            1)`, in place of tokens. Defaults to `False`.
        data_dir: string, path or `None`. The folder of tensorflow-datasets,
            for the first read; `None` is `TFDS_DATA_DIR` or its own. Defaults
            to `None`.
        manual_dir: string, path or `None`. A folder with the four archives,
            where they were fetched by hand. Defaults to `None`.
        cache_dir: string, path or `None`. Where arrays are kept after the
            first read; `None` is `KERAS_FPT_CACHE` or `~/.cache/keras_fpt`.
            Defaults to `None`.
        patch_size: int or `None`. Side of a patch in pixels; divides an
            image's. Defaults to `None`: 4, as in the paper.

    Raises:
        ValueError: if there is no such variant; on first use, if the data is
            damaged.
        FileNotFoundError: on first use, if the data is not there and cannot
            be fetched.

    Example:

    ```python
    task = keras_fpt.tasks.MNIST()
    task.inputs, task.outputs  # (64, 16), 10
    ```

    Reference:
        [LeCun et al., 1998](http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf)
    """

    variants = {
        "paper": "padded to 32 x 32 pixels, 64 tokens of 16",
        "code": "28 x 28 pixels, 49 tokens of 16: the original's code",
    }
    data_set = "mnist"
    class_names = tuple("0123456789")
    floor_accuracy = 0.1135
    floor_reason = "always answers 1, the most frequent digit"
    num_train_examples = 55_000
    citation = "LeCun et al., 1998"
    licence = "CC BY-SA 3.0, as it is commonly given"

    def __init__(
        self,
        variant: str = "paper",
        whole_images: bool = False,
        data_dir: Path | None = None,
        manual_dir: Path | None = None,
        cache_dir: Path | None = None,
        patch_size: int | None = None,
    ) -> None:
        side = 32 if variant == "paper" else 28
        self.image_shape = (side, side, 1)
        super().__init__(
            variant,
            False,
            whole_images,
            data_dir,
            manual_dir,
            cache_dir,
            patch_size,
        )

    def pixels(self, x: np.ndarray) -> np.ndarray:
        border = (self.image_shape[0] - x.shape[1]) // 2
        sides = (border, border)
        return np.pad(super().pixels(x), ((0, 0), sides, sides, (0, 0)))
