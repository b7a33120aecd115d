"""Writes files and folders whole or not at all, and removes left-overs."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import time
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

# A writer that was killed leaves its temporary file: one that was not written
# to for so many seconds, a day, has no writer that is at work.
_AGE = 24 * 60 * 60
# Temporary names of today, and two of earlier versions.
_LEFT_OVER = re.compile(
    r"\.part-[0-9a-f]{32}-.+|\..+\.[0-9a-f]{32}(\.\w+)?|\..+\.\d+\.part"
)
_HDF5 = (".h5", ".hdf5")
_KERAS_FILES = (".keras", *_HDF5)


def write_whole(
    path: pathlib.Path, write: Callable[[pathlib.Path], Any]
) -> None:
    """Has a file written beside its place, and moves it there when done.

    Whoever reads sees the old file or the new one, also after a kill or when
    the power fails. Processes that write the same file do not disturb each
    other: the last one wins.

    Args:
        path: path. The file.
        write: callable. Takes the path that it is to write to.

    Raises:
        OSError: if it cannot be written, as on a full disk. Nothing half
            written stays.
    """
    remove_leftovers(path.parent)
    temporary = _beside(path)
    with _written(path, temporary):
        temporary.touch(exist_ok=False)
        with _locked(temporary):
            write(temporary)
            _sync_file(temporary)
        os.replace(temporary, path)
        _sync_folder(path.parent)


def write_folder_whole(
    folder: pathlib.Path, write: Callable[[pathlib.Path], Any]
) -> None:
    """Has a folder written beside its place, and moves it there when done.

    Files of the old folder that the new one does not have are kept.

    Args:
        folder: path. Where to.
        write: callable. Takes the empty folder that it is to fill.

    Raises:
        OSError: if it cannot be written. The old folder is as it was.
        ValueError: if there is a file of this name.
    """
    folder = folder.resolve()
    if folder.is_file():
        raise ValueError(
            f"{str(folder)!r} is a file: expected the name of a folder, new or "
            "to write to"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder.parent)
    temporary = _beside(folder)
    with _written(folder, temporary):
        temporary.mkdir()
        with _locked(temporary):
            write(temporary)
            if folder.is_dir():
                _copy_missing(folder, temporary)
            for file in temporary.rglob("*"):
                if file.is_file():
                    _sync_file(file)
        if folder.is_dir():
            # No system call of Python's exchanges two folders: a kill between
            # these lines leaves the old one under this name.
            old = folder.with_name(f"{folder.name}.old-{uuid.uuid4().hex[:8]}")
            os.rename(folder, old)
            os.rename(temporary, folder)
            shutil.rmtree(old)
        else:
            os.rename(temporary, folder)
        _sync_folder(folder.parent)


def write_json(content: Any, path: pathlib.Path) -> None:
    """Writes what JSON can hold."""
    text = json.dumps(content, indent=1) + "\n"
    write_whole(path, lambda temporary: temporary.write_text(text))


def save_whole(
    save: Callable[..., Any], path: Any, overwrite: bool, **kwargs: Any
) -> Any:
    """Has Keras write a file whole; all else, as a hub's, is left to Keras.

    Args:
        save: callable. Keras' own, which takes a path, `overwrite` and others.
        path: string or path.
        overwrite: bool. With `False`, Keras asks before it writes.
        **kwargs: of `save`.
    """
    is_file = str(path).endswith(_KERAS_FILES) and "://" not in str(path)
    file = pathlib.Path(path) if is_file else None
    if file is None or file.is_dir() or (file.exists() and not overwrite):
        return save(path, overwrite=overwrite, **kwargs)
    return write_whole(file, lambda temporary: save(temporary, **kwargs))


@contextlib.contextmanager
def temporary_folder(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """A new folder in a folder; `remove_leftovers` knows its name.

    It is removed at the end, or, after a kill, when the folder is used next.
    """
    temporary = _beside(folder / "folder")
    temporary.mkdir()
    try:
        with _locked(temporary):
            yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(folder: pathlib.Path) -> None:
    """Removes what killed writers left in a folder.

    Only names that this module gives, older than a day and not locked.
    """
    # A folder that is not there, or may not be changed, is left as it is.
    with contextlib.suppress(OSError):
        for path in folder.glob(".*"):
            if _LEFT_OVER.fullmatch(path.name):
                with contextlib.suppress(OSError):
                    _remove_old(path)


def _remove_old(path: pathlib.Path) -> None:
    newest = max(each.stat().st_mtime for each in (path, *path.rglob("*")))
    if time.time() - newest < _AGE:
        return
    with _locked(path) as mine:
        if mine:
            _remove(path)


def _remove(path: pathlib.Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _beside(path: pathlib.Path) -> pathlib.Path:
    # The name stays at the end: Keras and NumPy look at the suffixes.
    return path.with_name(f".part-{uuid.uuid4().hex}-{path.name}")


@contextlib.contextmanager
def _written(path: pathlib.Path, temporary: pathlib.Path) -> Iterator[None]:
    """Removes the temporary file after an error, which then names the path."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):
            _remove(temporary)
        if not isinstance(error, OSError):
            raise
        refused = OSError(
            f"Cannot write {str(path)!r} ({error.strerror or error}): free "
            "space, or choose a folder that can be written. Nothing half "
            "written stays"
        )
        refused.errno = error.errno
        raise refused from error


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[bool]:
    """Locks a file or folder; yields `False` if another has it.

    The lock dies with the process. Windows needs none, as it removes nothing
    that is open; HDF5 locks its files itself, and would meet this lock.
    """
    try:
        import fcntl
    except ImportError:
        yield True
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        mine = True
        if path.suffix not in _HDF5 or path.stat().st_size:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                mine = False
            except OSError:  # a file system without locks
                pass
        yield mine
    finally:
        os.close(descriptor)


def _copy_missing(old: pathlib.Path, new: pathlib.Path) -> None:
    for path in sorted(old.rglob("*")):
        place = new / path.relative_to(old)
        if path.is_dir():
            place.mkdir(exist_ok=True)
        elif not place.exists():
            shutil.copy2(path, place)


def _sync_file(path: pathlib.Path) -> None:
    """Brings the content to the disk before the name."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: pathlib.Path) -> None:
    # Windows opens no folders, and some file systems sync none.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
