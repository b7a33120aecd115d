"""TAPE's LMDB files: pickled records, read without running what they say."""

from __future__ import annotations

import io
import pathlib
import pickle
from collections.abc import Iterator
from typing import Any

from keras_fpt.tasks.lmdb_file import LMDBFile

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

    Args:
        path: path. A folder with `data.mdb`, or such a file.

    Returns:
        Iterator of `(place, record)`: words that name file and key, and the
        record, in which no array has its values.

    Raises:
        ValueError: if the file is damaged, or a record is missing or holds
            anything but plain values and arrays.
    """
    with LMDBFile(path) as file:
        count = _load(path, _COUNT, file)
        if type(count) is not int or count < 0:
            raise ValueError(
                f"{path}, record {_COUNT}: expected a whole number. "
                f"Received: {type(count).__name__}"
            )
        for key in map(str, range(count)):
            yield f"{path}, record {key}", _load(path, key, file)


def _load(path: pathlib.Path, key: str, file: LMDBFile) -> Any:
    value = file.get(key.encode())
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
