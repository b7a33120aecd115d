"""A small convolutional network on whole images."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_fpt.layers.normalization import Standardization
from keras_fpt.layers.normalization import read_statistics
from keras_fpt.seeds import redraw
from keras_fpt.sizes import whole_number
from keras_fpt.tasks import Task

# Three convolutions of 3 x 3 and two poolings leave one pixel of 18.
_LEAST_SIDE = 18


def cnn(
    task: Task | None = None,
    image_shape: Sequence[int] | None = None,
    num_classes: int | None = None,
    normalize: Any = None,
    seed: int | None = None,
    name: str = "cnn",
) -> keras.Model:
    """A convolutional network of three layers, as a baseline for images.

    It sees what a sequence of patches hides, the neighbours of a pixel in two
    dimensions, and is small: 122,570 parameters for images of 32 x 32 x 3 and
    ten classes. The slides of a seminar, from which it is taken, train it
    with Adam for 10 epochs, without augmentation, and report an accuracy of
    71.92 % on CIFAR-10.

    Args:
        task: a `keras_fpt.tasks.Task` with whole images, which says both
            sizes, or `None` to pass them. Defaults to `None`.
        image_shape: `(height, width, channels)`. Defaults to `None`, the
            task's.
        num_classes: int. Defaults to `None`, the task's.
        normalize: images as for `fit`, a pair `(mean, variance)` of arrays of
            shape `(channels,)`, `False` or `None`. As of
            `FrozenPretrainedTransformer`, by channel. Defaults to `None`.
        seed: int or `None`. Seed of all initial values. Defaults to `None`,
            Keras' global one.
        name: string. Defaults to `"cnn"`.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, num_classes)`. Logits: no softmax is applied.

    Returns:
        A `keras.Model`, not compiled.

    Raises:
        ValueError: if the task has no whole images, an image is smaller than
            18 x 18 pixels, or both or neither of task and sizes are given.

    Example:

    ```python
    from keras_fpt import baselines

    task = keras_fpt.tasks.get("cifar10", whole_images=True, augment=False)
    model = baselines.cnn(task)
    model.compile(
        "adam",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    images = np.random.rand(64, 32, 32, 3)  # or task.train_data(32)
    model.fit(images, np.random.randint(10, size=64), epochs=10)
    ```
    """
    shape, num_classes = _sizes(task, image_shape, num_classes)
    images = keras.Input(shape, name="images")
    statistics = read_statistics(
        normalize, task, shape[-1], lambda x: _check_images(x, shape)
    )
    x = Standardization(*statistics)(images) if statistics else images
    x = keras.layers.Conv2D(32, 3, activation="relu", name="conv_0")(x)
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Conv2D(64, 3, activation="relu", name="conv_1")(x)
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Conv2D(64, 3, activation="relu", name="conv_2")(x)
    # 32 x 32 pixels are 4 x 4 by now: (batch, 4, 4, 64)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(64, activation="relu", name="hidden")(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    model = keras.Model(images, logits, name=name)
    redraw(model.layers, seed)
    return model


def _check_images(x: Any, shape: tuple[int, ...]) -> None:
    if isinstance(x, Mapping) or x.shape[1:] != shape:
        raise ValueError(
            f"Expected images of shape {('batch', *shape)}. Received: "
            f"{'a dict' if isinstance(x, Mapping) else x.shape}"
        )


def _sizes(
    task: Any, image_shape: Any, num_classes: Any
) -> tuple[tuple[int, ...], int]:
    """Image shape and number of classes, from the task or as given."""
    if task is not None:
        if image_shape is not None or num_classes is not None:
            raise ValueError(
                "`task` says image_shape and num_classes: pass either a task "
                f"or both sizes. Received: image_shape={image_shape!r}, "
                f"num_classes={num_classes!r}"
            )
        image_shape, num_classes = _task_sizes(task)
    if image_shape is None or num_classes is None:
        raise ValueError(
            "Pass `task=`, or both `image_shape=` and `num_classes=`. "
            f"Received: image_shape={image_shape!r}, "
            f"num_classes={num_classes!r}"
        )
    if not isinstance(image_shape, Sequence) or len(image_shape) != 3:
        raise ValueError(
            "`image_shape` is `(height, width, channels)`. "
            f"Received: image_shape={image_shape!r}"
        )
    shape = tuple(whole_number("image_shape", size) for size in image_shape)
    if min(shape[:2]) < _LEAST_SIDE:
        raise ValueError(
            "The convolutions need images of at least "
            f"{_LEAST_SIDE} x {_LEAST_SIDE} pixels. "
            f"Received: image_shape={shape}"
        )
    return shape, whole_number("num_classes", num_classes)


def _task_sizes(task: Any) -> tuple[Any, Any]:
    if not isinstance(task, Task):
        raise ValueError(
            "`task` is an object of a `keras_fpt.tasks.Task`: make it, for "
            'instance with `keras_fpt.tasks.get("cifar10", '
            f"whole_images=True)`. Received: task={task!r}"
        )
    whole = not isinstance(task.inputs, dict) and len(task.inputs) == 3
    if not whole or not isinstance(task.outputs, int):
        raise ValueError(
            "The network classifies whole images: pass a task such as "
            '`keras_fpt.tasks.get("cifar10", whole_images=True)`. Received: '
            f"{type(task).__name__} with inputs={task.inputs}, "
            f"outputs={task.outputs}"
        )
    return task.inputs, task.outputs
