"""Finds and opens the files of TAPE's remote homology."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import pathlib
import tarfile
import zlib
from collections.abc import Generator
from collections.abc import Iterator
from typing import IO
from typing import Any

import numpy as np

from keras_fpt.cache import Path
from keras_fpt.tasks.tape_lmdb import read_lmdb
from keras_fpt.tasks.tape_rows import Row
from keras_fpt.tasks.tape_rows import check_row
from keras_fpt.tasks.tape_rows import csv_rows
from keras_fpt.tasks.tape_rows import json_rows
from keras_fpt.tasks.tape_rows import row_of

SOURCE = (
    "http://s3.amazonaws.com/songlabdata/proteindata/data_raw_pytorch/"
    "remote_homology.tar.gz"
)
_VARIABLE = "TAPE_DATA_DIR"
_FOLDER = "remote_homology"


def read_split(folder: Path | None, split: str) -> tuple[list[str], np.ndarray]:
    """Reads a split, whichever of the known files is there.

    Looked for, in this order, in the folder and in its `remote_homology`:
    `remote_homology_{split}.json`, `{split}.csv`, both also with `.gz`, and
    `remote_homology_{split}.lmdb`. Then JSON and CSV are looked for in
    `remote_homology*.tar.gz`, which are read without unpacking them.

    Args:
        folder: string, path or `None`. A folder or a `.tar.gz` file. `None`
            takes the environment variable `TAPE_DATA_DIR`.
        split: string. TAPE's name, such as `"train"` or `"valid"`.

    Returns:
        `(sequences, labels)`: a list of strings, and folds as an int32 array
        of shape `(rows,)`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a file is damaged or a row is malformed. The message
            names the file, and the line or the record.
    """
    sequences, labels = [], []
    # Closed at once where a row is refused: an LMDB opens only once.
    with contextlib.closing(_rows(folder, split)) as rows:
        for row in rows:
            check_row(*row)
            _, sequence, label = row
            sequences.append(sequence)
            labels.append(label)
    return sequences, np.array(labels, "int32")


def _rows(folder: Path | None, split: str) -> Generator[Row, None, None]:
    names = [
        f"remote_homology_{split}.json",
        f"remote_homology_{split}.json.gz",
        f"{split}.csv",
        f"{split}.csv.gz",
        f"remote_homology_{split}.lmdb",
    ]
    folder = folder or os.environ.get(_VARIABLE)
    if not folder:
        raise _not_found(f"No `data_dir`, and {_VARIABLE} is not set", names)
    root = pathlib.Path(folder).expanduser()
    for name in names:
        for path in (root / name, root / _FOLDER / name):
            if path.exists():
                yield from _rows_of_file(path)
                return
    archives = sorted(root.glob("remote_homology*.tar.gz"))
    for path in [root] if root.name.endswith(".tar.gz") else archives:
        if path.is_file():
            rows = _rows_of_archive(path, names)
            first = next(rows, None)
            if first is not None:
                yield first
                yield from rows
                return
    raise _not_found(f"Found no {split} split in {str(root)!r}", names)


def _rows_of_file(path: pathlib.Path) -> Iterator[Row]:
    if path.suffix == ".lmdb":
        for place, record in read_lmdb(path):
            yield row_of(place, record)
        return
    with _damage_refused(path), open(path, "rb") as file:
        yield from _rows_of_text(file, str(path))


def _rows_of_archive(path: pathlib.Path, names: list[str]) -> Iterator[Row]:
    """Rows of the first member that has one of the names; or none."""
    *tables, database = names
    with _damage_refused(path), tarfile.open(path, "r:gz") as archive:
        for member in archive:
            inside = pathlib.PurePosixPath(member.name)
            if database in inside.parts:
                raise ValueError(
                    f"{path} holds {database}, which cannot be read inside an "
                    f"archive: run `tar -xzf {path.name}` in its folder"
                )
            if inside.name in tables and member.isfile():
                file = archive.extractfile(member)
                assert file is not None
                yield from _rows_of_text(file, f"{path}, {member.name}")
                return


def _rows_of_text(file: IO[bytes], name: str) -> Iterator[Row]:
    """Rows of JSON or CSV, compressed or not, by the end of the name."""
    is_packed = name.endswith(".gz")
    whole: Any = gzip.GzipFile(fileobj=file) if is_packed else file
    text = io.TextIOWrapper(whole, "utf-8-sig", newline="")
    is_json = name.removesuffix(".gz").endswith(".json")
    return (json_rows if is_json else csv_rows)(text, name)


@contextlib.contextmanager
def _damage_refused(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except (
        EOFError,
        UnicodeDecodeError,
        gzip.BadGzipFile,
        tarfile.TarError,
        zlib.error,
    ) as error:
        raise ValueError(
            f"{path} is cut or damaged: fetch it again "
            f"({type(error).__name__}: {error})"
        ) from error


def _not_found(what: str, names: list[str]) -> FileNotFoundError:
    return FileNotFoundError(
        f"{what}. Looked for {', '.join(names)}, there and in a folder "
        f"{_FOLDER}, and for JSON or CSV in remote_homology*.tar.gz. Run "
        f"`curl -O {SOURCE}` and pass the folder of that file as `data_dir`, "
        f"or set the environment variable {_VARIABLE} to it"
    )
