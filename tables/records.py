"""Records: one JSON a run, written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

from experiment import Experiment
from files import write_json

SCHEMA = 1
FOLDER = pathlib.Path(__file__).parent / "results" / "runs"
# Of a record; what a field holds.
FIELDS: dict[str, Any] = {
    "schema": int,
    "key": str,
    "versions": dict,
    "experiment": dict,
    # Of each look: step, training loss and accuracy since the last one,
    # validation accuracy.
    "history": list,
    "best_step": (int, type(None)),
    "test_at_best": (float, type(None)),
    "test_at_last": (float, type(None)),
    "steps_to_convergence": (int, type(None)),
    "diverged": bool,
    "stopped_early": bool,
    "parameters": dict,
    # So many runs trained together: speed, memory and seconds are of all.
    "replicas": int,
    "samples_per_second": float,
    # Of the host, also where an accelerator computes.
    "peak_memory_mb": float,
    "packages": dict,
    "backend": str,
    "device": str,
    "host": str,
    "commit": (str, type(None)),
    "start": str,
    "seconds": float,
    "interruptions": int,
}
LOOK = ("step", "loss", "accuracy", "validation")


def check(record: Any, where: str = "a record") -> dict[str, Any]:
    """Returns a record, refused if it is none.

    Raises:
        ValueError: if a field is missing, of another kind or unknown; if it
            is of another schema; or if its key is not that of its experiment.
    """
    if not isinstance(record, dict):
        raise ValueError(f"Expected {where} to hold a dict, not {record!r}")
    if record.get("schema") != SCHEMA:
        raise ValueError(
            f"Expected {where} to be of schema {SCHEMA}. Received: schema="
            f"{record.get('schema')!r}; run it anew, or use the version of the "
            "tables that wrote it"
        )
    for name in sorted({*FIELDS, *record}):
        if name not in FIELDS or name not in record:
            state = "unknown" if name in record else "missing"
            raise ValueError(f"A field of {where} is {state}: {name!r}")
        if not isinstance(record[name], FIELDS[name]):
            raise ValueError(
                f"Expected {name!r} of {where} to be {FIELDS[name]}. "
                f"Received: {record[name]!r}"
            )
    for look in record["history"]:
        if set(look) != set(LOOK):
            raise ValueError(f"Expected {LOOK} of {where}. Received: {look}")
    experiment = Experiment.from_config(record["experiment"])
    if not is_stale(record) and record["key"] != experiment.key:
        raise ValueError(
            f"The key of {where} is not that of its experiment, "
            f"{experiment.key}. Received: {record['key']}"
        )
    return record


def is_stale(record: dict[str, Any]) -> bool:
    """Whether its task or its row has been changed since."""
    experiment = Experiment.from_config(record["experiment"])
    return record["versions"] != experiment.versions


def path_of(experiment: Experiment, folder: pathlib.Path) -> pathlib.Path:
    return folder / f"{experiment.task}-{experiment.key}.json"


def read(path: pathlib.Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from error
    return check(record, path.name)


def read_all(folder: pathlib.Path) -> dict[str, dict[str, Any]]:
    """All records of a folder by their keys.

    Raises:
        ValueError: if two files are of one experiment, or one is no record.
    """
    records: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        record = read(path)
        if record["key"] in records:
            raise ValueError(
                f"Two records are of one experiment, {record['key']}: delete "
                f"one of them; {path.name} is the second"
            )
        records[record["key"]] = record
    return records


@dataclasses.dataclass(frozen=True)
class Records:
    """The records of a folder, by their experiments.

    Args:
        runs: mapping from experiments, of seed 0, to records of any seed.
        count: int. How many there are. Defaults to `0`.
        stale: int. How many of them are left out, as their task or their row
            has been changed since. Defaults to `0`.
    """

    runs: Mapping[Experiment, list[dict[str, Any]]]
    count: int = 0
    stale: int = 0

    @classmethod
    def read(cls, folder: pathlib.Path) -> Records:
        found = read_all(folder).values()
        fresh = [each for each in found if not is_stale(each)]
        runs: dict[Experiment, list[dict[str, Any]]] = {}
        for each in sorted(fresh, key=lambda each: each["experiment"]["seed"]):
            experiment = Experiment.from_config(each["experiment"])
            runs.setdefault(experiment.with_(seed=0), []).append(each)
        return cls(runs, len(found), len(found) - len(fresh))


def write(record: dict[str, Any], folder: pathlib.Path) -> pathlib.Path:
    """Writes a record, whole or not at all.

    Raises:
        ValueError: if it is none, or if there is one of the same experiment
            already.
    """
    check(record)
    experiment = Experiment.from_config(record["experiment"])
    path = path_of(experiment, folder)
    if path.exists():
        raise ValueError(
            f"There is a record of this experiment already, {path.name}: "
            "delete it to run the experiment anew"
        )
    make_folder(folder)
    write_json(record, path)
    return path


def make_folder(folder: pathlib.Path) -> None:
    """Makes a folder of results, refused if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(
            f"Results cannot be written to {str(folder)!r} ({error}): pass "
            "another folder by `--results`"
        ) from error
