"""Locks the runs of a group, so that one process runs each."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from keras_fpt.experiments import records
from keras_fpt.experiments.experiment import Experiment


@contextlib.contextmanager
def locked(
    group: Sequence[Experiment], results_dir: pathlib.Path
) -> Iterator[bool]:
    """Locks the runs of a group. Yields `True` if all were free.

    The locks die with the process. If one run is locked by another process,
    none is locked here.
    """
    folder = results_dir / "unfinished"
    records.make_folder(folder)
    with contextlib.ExitStack() as locks:
        yield all(
            locks.enter_context(_lock(folder / f"{experiment.key}.lock"))
            for experiment in group
        )


@contextlib.contextmanager
def _lock(path: pathlib.Path) -> Iterator[bool]:
    with open(path, "w") as file:
        try:
            _lock_file(file)
            # Whoever had it before may have removed the file opened here.
            mine = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except (BlockingIOError, PermissionError, FileNotFoundError):
            mine = False
        yield mine
        if mine:
            with contextlib.suppress(OSError):
                path.unlink()


def _lock_file(file: Any) -> None:
    """Locks an open file, on Unix or Windows; raises if another has it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
