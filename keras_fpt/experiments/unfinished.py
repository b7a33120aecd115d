"""Finds and reads the checkpoints of unfinished runs."""

from __future__ import annotations

import hashlib
import json
import pathlib
import warnings
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.experiment import is_known
from keras_fpt.files import remove_leftovers

# What every checkpoint says.
_STATE = {"keys", "experiments", "backend", "step", "histories", "seconds"}
_STATE |= {"interruptions"}


def read_state(file: pathlib.Path) -> dict[str, Any] | None:
    """The state in a checkpoint; `None` if there is none that can be read."""
    try:
        with np.load(file) as arrays:
            state = json.loads(arrays["state"].tobytes())
        lacking = sorted(_STATE - set(state))
        if lacking:
            raise ValueError(f"it lacks {', '.join(lacking)}")
    except FileNotFoundError:  # or another process has finished it
        return None
    # A torn file fails in any way that its bytes happen to say.
    except Exception as error:
        warn_of(file, error)
        return None
    return state


def warn_of(file: pathlib.Path, error: Exception) -> None:
    """Names a file whose runs start over."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    warnings.warn(
        f"The checkpoint {str(file)!r} is torn or of another program "
        f"({reason}): its runs start over. Delete it",
        stacklevel=3,
    )


def file_name(group: Sequence[Experiment]) -> str:
    """Name of the checkpoint of these runs."""
    keys = [experiment.key for experiment in group]
    if len(keys) == 1:
        return f"{keys[0]}.npz"
    digest = hashlib.sha256(" ".join(keys).encode()).hexdigest()
    return f"{digest[:16]}.npz"


def unfinished(
    results_dir: pathlib.Path, experiments: Mapping[str, Experiment]
) -> list[list[Experiment]]:
    """Groups that were interrupted, on this backend.

    Args:
        results_dir: path.
        experiments: mapping from keys to experiments that are to run. A group
            with somebody's own task or model that is not among them is left
            out: nothing here knows what to run.
    """
    groups = []
    remove_leftovers(results_dir / "unfinished")
    for file in sorted((results_dir / "unfinished").glob("*.npz")):
        if file.name.startswith("."):  # being written
            continue
        state = read_state(file)
        if state is None:
            continue
        try:
            group = _group(state, experiments)
        except Exception as error:
            warn_of(file, error)
            continue
        # Under another name it is of an earlier version.
        if state["backend"] == keras.backend.backend() and (
            group and file_name(group) == file.name
        ):
            groups.append(group)
    return groups


def _group(
    state: Mapping[str, Any], experiments: Mapping[str, Experiment]
) -> list[Experiment]:
    """The experiments of a checkpoint; none if nothing here knows them."""
    # Those of before trunks were noted are of an earlier version.
    trunks = state.get("trunks", [None] * len(state["keys"]))
    each = list(zip(state["keys"], state["experiments"], trunks, strict=True))
    if not all(key in experiments or is_known(c) for key, c, _ in each):
        return []
    return [
        experiments.get(key) or Experiment.from_config(config, trunk)
        for key, config, trunk in each
    ]
