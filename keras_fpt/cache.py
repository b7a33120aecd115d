"""Caches arrays on disk that take long to compute or to read."""

from __future__ import annotations

import os
import pathlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_fpt.files import remove_leftovers
from keras_fpt.files import write_whole

Path = str | os.PathLike[str]
Arrays = dict[str, np.ndarray]


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
    check: Callable[[Arrays], Any] | None = None,
) -> Arrays:
    """Reads arrays from the cache, or makes them and keeps them there.

    A file is there whole or not at all, however many processes fill the
    cache at once. One that cannot be read, or holds other arrays than it
    should, is made again. Where it cannot be written, a warning says so and
    the arrays are made each time.

    Args:
        name: string. The key: everything on which the arrays depend.
        make: callable without arguments that returns a dict of arrays.
        cache_dir: string, path or `None`. As in `cache_folder`.
        check: callable or `None`. Takes arrays that were read, and raises
            what it likes if they are none that `make` returns. Defaults to
            `None`: all are good.

    Returns:
        Dict of arrays.
    """
    path = cache_folder(cache_dir) / f"{name}.npz"
    remove_leftovers(path.parent)
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            if check is not None:
                check(arrays)
            return arrays
        # A damaged file fails in any way that its bytes happen to say: also
        # with a MemoryError, for a shape of billions.
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            warnings.warn(
                f"The cached file {str(path)!r} is damaged or cannot be read "
                f"({reason}): it is made again",
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


def expect_arrays(arrays: Arrays, **dtypes: str) -> None:
    """Refuses other names or dtypes; what a `check` begins with.

    Args:
        arrays: dict of arrays.
        **dtypes: name -> dtype.
    """
    received = {name: str(array.dtype) for name, array in arrays.items()}
    if received != dtypes:
        raise ValueError(f"Expected {dtypes}. Received: {received}")
