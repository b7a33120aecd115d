"""CIFAR-10: small colour photographs, cut into patches."""

from __future__ import annotations

from keras_fpt.cache import Path
from keras_fpt.tasks.images import ImageTask

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


class CIFAR10(ImageTask):
    """Recognize what a photograph shows from patches of 4 x 4 pixels.

    45,000 training, 5,000 validation and 10,000 test images, ten classes of
    equal size: any constant answer reaches 10 %, the floor. Images are
    normalized by the original's mean and deviation; training images are
    cropped, flipped and rotated randomly, as in the original's code.

    The paper gives tokens of 16 numbers; three colours make 48, as its code
    has it.

    Batches: tokens of shape `(batch, 64, 48)`, float32; classes of shape
    `(batch,)`, int32. Training never ends, and meets each image once an
    epoch.

    Args:
        variant: string. `"paper"`; the original's code is the same.
        augment: bool. Whether training images are augmented. Defaults to
            `True`.
        whole_images: bool. Gives images of shape `(32, 32, 3)` in place of
            tokens. Defaults to `False`.
        data_dir: string, path or `None`. The folder of tensorflow-datasets,
            for the first read; `None` is `TFDS_DATA_DIR` or its own. Defaults
            to `None`.
        manual_dir: string, path or `None`. A folder with the archive
            `cifar-10-binary.tar.gz`, where it was fetched by hand. Defaults
            to `None`.
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
    task = keras_fpt.tasks.CIFAR10(augment=False)
    task.inputs, task.class_names[3]  # (64, 48), "cat"
    ```

    Reference:
        [Krizhevsky, 2009](https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf)
    """

    variants = {"paper": "64 tokens of 48, augmented; the code is the same"}
    data_set = "cifar10"
    image_shape = (32, 32, 3)
    # The original's constants.
    mean = (0.4914, 0.4822, 0.4465)
    std = (0.2023, 0.1994, 0.2010)
    class_names = CLASS_NAMES
    floor_accuracy = 0.1
    floor_reason = "always answers one class: ten of equal size"
    num_train_examples = 45_000
    citation = "Krizhevsky, 2009"
    licence = "none stated by its author"

    def __init__(
        self,
        variant: str = "paper",
        augment: bool = True,
        whole_images: bool = False,
        data_dir: Path | None = None,
        manual_dir: Path | None = None,
        cache_dir: Path | None = None,
        patch_size: int | None = None,
    ) -> None:
        super().__init__(
            variant,
            augment,
            whole_images,
            data_dir,
            manual_dir,
            cache_dir,
            patch_size,
        )
