"""Hashes the values of presets whose files are on this machine."""

from __future__ import annotations

import functools
import pathlib
import re

import numpy as np

from keras_fpt.cache import cached
from keras_fpt.checkpoints import frozen_hash
from keras_fpt.trunks.presets import embedded_folder
from keras_fpt.trunks.presets import embedded_presets
from keras_fpt.trunks.presets import files_hash
from keras_fpt.trunks.presets import files_of
from keras_fpt.trunks.registry import from_preset

_SHA256 = re.compile("[0-9a-f]{64}")


def values_hash(preset: str) -> str | None:
    """SHA-256 of the values of a preset's trunk, as `frozen_hash` has it.

    The values are loaded once; from then on, the cache knows the hash of
    these files.

    Args:
        preset: string. As of `from_preset`.

    Returns:
        The hash; `None` if the preset is no file or folder here, but a name or
        an address of a hub.
    """
    if preset in embedded_presets():
        where = embedded_folder(preset)
    else:
        where = pathlib.Path(preset).expanduser()
    if "://" in preset or not where.exists():
        return None
    states = [file.stat() for file in files_of(where)]
    written = tuple((state.st_size, state.st_mtime_ns) for state in states)
    return _values_hash(where.absolute(), written)


@functools.lru_cache
def _values_hash(
    where: pathlib.Path, written: tuple[tuple[int, int], ...]
) -> str:
    def load() -> dict[str, np.ndarray]:
        trunk = from_preset(str(where), dropout=0.0, dtype="float32")
        return {"sha256": np.array(frozen_hash(trunk.weights))}

    def check(arrays: dict[str, np.ndarray]) -> None:
        if not _SHA256.fullmatch(str(arrays["sha256"])):
            raise ValueError(f"{arrays['sha256']} is no SHA-256")

    arrays = cached(f"trunk_{files_hash(where)}", load, check=check)
    return str(arrays["sha256"])
