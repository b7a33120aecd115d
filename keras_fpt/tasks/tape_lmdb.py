"""TAPE's LMDB files: pickled records, read without running what they say."""

from __future__ import annotations

import io
import pathlib
import pickle
from collections.abc import Iterator
from typing import Any

_COUNT = "num_examples"
# What the pickle of an array names, in old and in new NumPy.
_ARRAY_NAMES = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}


class _Unread:
    """Stands for an array, its type or its maker, and does nothing.

    No array is needed here, and a hostile pickle could make one that reads
    memory which is not its own.
    """

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class _Unpickler(pickle.Unpickler):
    """Reads plain values; arrays become `_Unread`, all else is refused."""

    def find_class(self, module: str, name: str) -> type[_Unread]:
        if (module, name) in _ARRAY_NAMES:
            return _Unread
        raise pickle.UnpicklingError(
            f"it asks for {module}.{name}, which was not run"
        )


def read_lmdb(path: pathlib.Path) -> Iterator[tuple[str, Any]]:
    """Reads the records of an LMDB.

    Nothing is written beside it, so that its folder may be read-only.

    Args:
        path: path. A folder with `data.mdb`, or such a file.

    Returns:
        Iterator of `(place, record)`: words that name file and key, and the
        record, in which no array has its values.

    Raises:
        ValueError: if the package lmdb is not installed, the file is damaged,
            or a record is missing or holds anything but plain values and
            arrays.
    """
    try:
        import lmdb
    except ImportError as error:
        raise ValueError(
            f"{path} is read by the package lmdb, which cannot be imported "
            f"({error}): run `pip install keras-fpt[lmdb]`"
        ) from error
    try:
        with lmdb.open(
            str(path),
            subdir=path.is_dir(),
            readonly=True,
            lock=False,
            create=False,
        ) as environment:
            _check_whole(path, environment)
            with environment.begin() as transaction:
                count = _load(path, _COUNT, transaction)
                if type(count) is not int or count < 0:
                    raise ValueError(
                        f"{path}, record {_COUNT}: expected a whole number. "
                        f"Received: {type(count).__name__}"
                    )
                for key in map(str, range(count)):
                    record = _load(path, key, transaction)
                    yield f"{path}, record {key}", record
    except lmdb.Error as error:
        raise ValueError(
            f"{path} is cut or damaged: fetch it again ({error})"
        ) from error


def _check_whole(path: pathlib.Path, environment: Any) -> None:
    """Refuses a cut file: reading past its end would kill the process."""
    file = path / "data.mdb" if path.is_dir() else path
    pages = environment.info()["last_pgno"] + 1
    expected = pages * environment.stat()["psize"]
    size = file.stat().st_size
    if size < expected:
        raise ValueError(
            f"{file} is cut or damaged: fetch it again (expected {expected:,} "
            f"bytes. Received {size:,})"
        )


def _load(path: pathlib.Path, key: str, transaction: Any) -> Any:
    value = transaction.get(key.encode())
    if value is None:
        raise ValueError(
            f"{path}, record {key} is missing: the file is no LMDB of TAPE's, "
            "or damaged; fetch it again"
        )
    try:
        return _Unpickler(io.BytesIO(value)).load()
    # A damaged pickle fails in any way that its bytes happen to say.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path}, record {key} is refused: expected the pickle of plain "
            f"values and arrays, but {type(error).__name__}: {reason}"
        ) from error
