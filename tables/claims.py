"""Runs that a process has taken, so that no other takes them too."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence

import records
from experiment import Experiment


@contextlib.contextmanager
def claimed(team: Sequence[Experiment], folder: pathlib.Path) -> Iterator[bool]:
    """Holds runs for this process, until it ends however it ends.

    Gives whether all of them are free; if not, they are left as they are.
    """
    records.make_folder(folder / "unfinished")
    with contextlib.ExitStack() as locks:
        yield all(
            locks.enter_context(
                _locked(folder / "unfinished" / f"{experiment.key}.lock")
            )
            for experiment in team
        )


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[bool]:
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have removed the file opened here.
            mine = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except (BlockingIOError, FileNotFoundError):
            mine = False
        yield mine
        if mine:
            with contextlib.suppress(OSError):
                path.unlink()
