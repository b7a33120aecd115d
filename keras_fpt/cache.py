"""Caches arrays on disk that take long to compute or to read."""

from __future__ import annotations

import os
import pathlib
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_fpt.files import write_whole

Path = str | os.PathLike[str]
Arrays = dict[str, np.ndarray]

# What NumPy says of a file that is cut, or none of its own.
_DAMAGE = (EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile)


def cache_folder(cache_dir: Path | None = None) -> pathlib.Path:
    """Returns the folder of the cache.

    Args:
        cache_dir: string, path or `None`. `None` takes the environment
            variable `KERAS_FPT_CACHE`, or else `keras_fpt` in the user's
            cache folder. Defaults to `None`.
    """
    chosen = cache_dir or os.environ.get("KERAS_FPT_CACHE")
    if chosen:
        return pathlib.Path(chosen).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(home).expanduser() / "keras_fpt"


def cached(
    name: str,
    make: Callable[[], Arrays],
    cache_dir: Path | None = None,
    fits: Callable[[Arrays], bool] = lambda arrays: True,
) -> Arrays:
    """Reads arrays from the cache, or makes them and keeps them there.

    A file is there whole or not at all, however many processes fill the
    cache at once. Where it cannot be written, a warning says so and the
    arrays are made each time.

    Args:
        name: string. The key: everything on which the arrays depend.
        make: callable without arguments that returns a dict of arrays.
        cache_dir: string, path or `None`. As in `cache_folder`. Defaults to
            `None`.
        fits: callable. Whether arrays that were read are what `make` makes;
            others are made again. Defaults to any.

    Returns:
        Dict of arrays.
    """
    path = cache_folder(cache_dir) / f"{name}.npz"
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            if fits(arrays):
                return arrays
            raise ValueError("it holds other arrays than are asked for")
        except _DAMAGE as error:
            warnings.warn(
                f"The cached file {str(path)!r} is damaged or cannot be read "
                f"({error}): it is made anew",
                stacklevel=2,
            )
    arrays = make()
    try:
        _write(path, arrays)
    except OSError as error:
        warnings.warn(
            f"Cannot keep {name!r} in {str(path.parent)!r} ({error}): it is "
            "made again the next time. Choose another folder by `cache_dir` "
            "or the environment variable KERAS_FPT_CACHE",
            stacklevel=2,
        )
    return arrays


def _write(path: pathlib.Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    named: dict[str, Any] = dict(arrays)
    write_whole(path, lambda temporary: np.savez(temporary, **named))
