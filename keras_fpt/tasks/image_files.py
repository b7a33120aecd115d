"""MNIST and CIFAR-10 through tensorflow-datasets, once; then as arrays."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy as np

from keras_fpt.cache import Path
from keras_fpt.cache import cached
from keras_fpt.cache import expect_arrays

# The archives that tensorflow-datasets fetches, by data set.
ARCHIVES = {
    "mnist": (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        (
            "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
        ),
    ),
    "cifar10": (
        "https://www.cs.toronto.edu/~kriz/",
        ("cifar-10-binary.tar.gz",),
    ),
}
# Examples of train and of test.
COUNTS = {"mnist": (60_000, 10_000), "cifar10": (50_000, 10_000)}
SHAPES = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
NUM_CLASSES = 10
# Within a major version, tensorflow-datasets keeps the order of examples.
MAJOR = 3


def read_images(
    name: str,
    data_dir: Path | None = None,
    manual_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> dict[str, np.ndarray]:
    """Reads a data set of images.

    The first read goes through tensorflow-datasets, which needs TensorFlow;
    its arrays are kept in the cache, and later reads need neither.

    Args:
        name: string. `"mnist"` or `"cifar10"`.
        data_dir: string, path or `None`. Where tensorflow-datasets keeps its
            data, for the first read: what is in the cache is taken from
            there. `None` takes the environment variable `TFDS_DATA_DIR`, or
            else its own folder. Defaults to `None`.
        manual_dir: string, path or `None`. A folder with the archives, where
            they were fetched by hand. Defaults to `None`.
        cache_dir: string, path or `None`. Where the arrays are kept; as in
            `keras_fpt.cache.cache_folder`. Defaults to `None`.

    Returns:
        Dict of `"train_x"`, `"train_y"`, `"test_x"`, `"test_y"`: uint8 images
        of shape `(rows, height, width, channels)`, int32 labels.

    Raises:
        FileNotFoundError: if the data is not there and cannot be fetched.
        ValueError: if it is damaged, or tensorflow-datasets is needed and
            not installed.
    """
    return cached(
        f"{name}-tfds-{MAJOR}",
        lambda: _read(name, data_dir, manual_dir),
        cache_dir,
        lambda arrays: _check(name, arrays),
    )


def _check(name: str, arrays: dict[str, np.ndarray]) -> None:
    """Refuses what is not the data set: other arrays, counts or labels."""
    images, labels = {"train_x": "uint8", "test_x": "uint8"}, "int32"
    expect_arrays(arrays, **images, train_y=labels, test_y=labels)
    for split, count in zip(("train", "test"), COUNTS[name], strict=True):
        x, y = arrays[f"{split}_x"], arrays[f"{split}_y"]
        if x.shape != (count, *SHAPES[name]) or y.shape != (count,):
            raise ValueError(f"{split} has shapes {x.shape} and {y.shape}")
        if y.min() < 0 or y.max() >= NUM_CLASSES:
            raise ValueError(f"{split} has labels {y.min()} to {y.max()}")


def _read(
    name: str, data_dir: Path | None, manual_dir: Path | None
) -> dict[str, np.ndarray]:
    try:
        # It imports TensorFlow late, where the error would name no remedy.
        import tensorflow  # noqa: F401
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ValueError(
            f"The first read of {name} goes through tensorflow-datasets, "
            f"which cannot be imported ({error}): install tensorflow and "
            "tensorflow-datasets, or copy the cached arrays from a machine "
            "that has them"
        ) from error
    # It looks at the variable on its import only.
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR")
    builder = tfds.builder(f"{name}:{MAJOR}.*.*", data_dir=data_dir)
    if not pathlib.Path(builder.data_dir).is_dir():
        _check_archives(name, manual_dir, builder.data_dir)
        config = tfds.download.DownloadConfig(manual_dir=manual_dir)
        try:
            builder.download_and_prepare(download_config=config)
        except Exception as error:
            if manual_dir is None:
                raise _not_there(name, builder.data_dir, error) from error
            raise ValueError(
                f"The archives of {name} in {os.fspath(manual_dir)!r} are cut "
                f"or damaged ({_first_line(error)}): fetch them again from "
                f"{ARCHIVES[name][0]}"
            ) from error
    arrays = {}
    for split, count in zip(("train", "test"), COUNTS[name], strict=True):
        try:
            rows = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1))
        except Exception as error:
            raise ValueError(
                f"The {split} split of {name} in {str(builder.data_dir)!r} is "
                f"damaged ({_first_line(error)}): delete that folder and read "
                "it again"
            ) from error
        # Before it gets into the cache, where it would stay.
        if len(rows["label"]) != count:
            raise ValueError(
                f"The {split} split of {name} has {count:,} examples. Received "
                f"{len(rows['label']):,} in {str(builder.data_dir)!r}: delete "
                "that folder and read it again"
            )
        arrays[f"{split}_x"] = rows["image"]
        arrays[f"{split}_y"] = rows["label"].astype("int32")
    return arrays


def _check_archives(name: str, manual_dir: Path | None, folder: Any) -> None:
    """Says at once what tensorflow-datasets says after minutes."""
    address, archives = ARCHIVES[name]
    if manual_dir is not None:
        there = pathlib.Path(manual_dir).expanduser()
        missing = [file for file in archives if not (there / file).is_file()]
        if missing:
            raise FileNotFoundError(
                f"`manual_dir` holds the archives of {name} as they come from "
                f"{address}. Not found in {os.fspath(manual_dir)!r}: "
                f"{', '.join(missing)}"
            )
        return
    import requests

    try:
        requests.head(address + archives[0], timeout=10)
    except requests.RequestException as error:
        raise _not_there(name, folder, error) from error


def _not_there(name: str, folder: Any, error: Exception) -> FileNotFoundError:
    address, archives = ARCHIVES[name]
    fetch = " ".join(f"-O {address}{file}" for file in archives)
    return FileNotFoundError(
        f"{name} is not in {str(folder)!r} and could not be fetched "
        f'({_first_line(error)}). With a network, run `python -c "import '
        f"tensorflow_datasets; tensorflow_datasets.load('{name}')\"`. Without "
        f"one, run `curl {fetch}` elsewhere, bring the files here and pass "
        "their folder as `manual_dir`. Data that tensorflow-datasets has "
        "already prepared is found by `data_dir` or TFDS_DATA_DIR"
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"
