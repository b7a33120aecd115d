"""Writes files whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import uuid
from collections.abc import Callable
from typing import Any


def write_whole(
    path: pathlib.Path, write: Callable[[pathlib.Path], Any]
) -> None:
    """Has a file written beside its place, and moves it there when done.

    Whoever reads sees the old file or the new one. Processes that write the
    same file do not disturb each other: the last one wins.

    Args:
        path: path. The file.
        write: callable. Takes the path that it is to write to.
    """
    name = f".{path.stem}.{uuid.uuid4().hex}{path.suffix}"
    temporary = path.with_name(name)
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            # The content, before the name: also when the power fails.
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_json(content: Any, path: pathlib.Path) -> None:
    """Writes what JSON can hold."""
    text = json.dumps(content, indent=1) + "\n"
    write_whole(path, lambda temporary: temporary.write_text(text))
