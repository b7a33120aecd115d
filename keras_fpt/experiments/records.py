"""Records of runs: one JSON a run, written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

from keras_fpt.experiments.experiment import TRAINING_VERSION
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.experiment import is_known
from keras_fpt.experiments.experiment import key_of
from keras_fpt.experiments.models import MODELS
from keras_fpt.files import write_json

SCHEMA = 3
# Fields of a record -> what they hold.
FIELDS: dict[str, Any] = {
    "schema": int,
    "key": str,
    "versions": dict,
    "experiment": dict,
    # Which score is maximized: accuracy, r2.
    "metric": str,
    # Of each evaluation: step, training loss and score since the last one,
    # validation score.
    "history": list,
    "best_step": (int, type(None)),
    "test_at_best": (float, type(None)),
    "test_at_last": (float, type(None)),
    "test_size": (int, type(None)),
    # By the rule of that version: tables read them from the history.
    "steps_to_convergence": (int, type(None)),
    "diverged": bool,
    "stopped_early": bool,
    "parameters": dict,
    # What was frozen: description; pretrained_sha256, of the preset's values,
    # if its files were on the machine; frozen_sha256, of what was not trained,
    # as files of `save_trained` hold it. `None` for a model without a trunk,
    # and in records of older schemas.
    "trunk": (dict, type(None)),
    # Number of runs that trained together: speed, memory and seconds are
    # those of all of them.
    "replicas": int,
    "samples_per_second": float,
    # Of the host, also where an accelerator computes.
    "peak_memory_mb": (float, type(None)),
    "packages": dict,
    "backend": str,
    "device": str,
    "host": str,
    "commit": (str, type(None)),
    "start": str,
    "seconds": float,
    "interruptions": int,
}
EVALUATION = ("step", "loss", "training", "validation")
Record = dict[str, Any]


def check(record: Any, where: str = "a record") -> Record:
    """Returns a record in the present schema, or refuses it.

    Raises:
        ValueError: if a field is missing, of another kind or unknown; if it
            is of an unknown schema; or if its key does not belong to its
            experiment.
    """
    if not isinstance(record, dict):
        raise ValueError(f"Expected {where} to hold a dict, not {record!r}")
    if record.get("schema") not in (1, 2, SCHEMA):
        raise ValueError(
            f"Expected {where} to be of schema 1 to {SCHEMA}. Received: schema="
            f"{record.get('schema')!r}; run it again, or use the version of "
            "keras_fpt that wrote it"
        )
    if record["schema"] == 1:
        record = _from_schema_1(record, where)
    if record["schema"] == 2:
        record = {**record, "schema": SCHEMA, "trunk": None}
    for name in sorted({*FIELDS, *record}):
        if name not in FIELDS or name not in record:
            state = "unknown" if name in record else "missing"
            raise ValueError(f"A field of {where} is {state}: {name!r}")
        if not isinstance(record[name], FIELDS[name]):
            raise ValueError(
                f"Expected {name!r} of {where} to be {FIELDS[name]}. "
                f"Received: {record[name]!r}"
            )
    for evaluation in record["history"]:
        if set(evaluation) != set(EVALUATION):
            raise ValueError(
                f"Expected {EVALUATION} of {where}. Received: {evaluation}"
            )
    expected = key_of(
        record["experiment"], record["versions"], pretrained_sha256(record)
    )
    if record["key"] != expected:
        raise ValueError(
            f"The key of {where} does not belong to its experiment, "
            f"{expected}. Received: {record['key']}"
        )
    return record


def pretrained_sha256(record: Record) -> str | None:
    """The hash of the pretrained trunk that the key of a record holds."""
    return (record["trunk"] or {}).get("pretrained_sha256")


def _from_schema_1(record: Record, where: str) -> Record:
    """Schema 1 knew accuracy only, and not the size of the test set."""
    history = record.get("history")
    if not isinstance(history, list):
        raise ValueError(f"A field of {where} is missing: 'history'")
    return {
        **record,
        "schema": 2,
        "metric": "accuracy",
        "test_size": None,
        "history": [
            {"training" if k == "accuracy" else k: v for k, v in each.items()}
            for each in history
        ],
    }


def is_stale(record: Record) -> bool:
    """Whether a newer version of task or model says something else.

    Of somebody's own task or model nothing is known here.
    """
    if not is_known(record["experiment"]):
        return False
    own = record["versions"]
    present = Experiment.from_config(record["experiment"]).versions
    model = MODELS[record["experiment"]["model"]]
    return own["task"] != present["task"] or (
        own["model"] not in (model.version, *model.former_defaults)
    )


def is_former(record: Record) -> bool:
    """Whether a run of today would differ, but the record still counts.

    It was trained with the former optimizer, or its initial values were drawn
    in another way.
    """
    own = record["versions"]
    # Records of before that version do not name it.
    if own.get("training", 1) != TRAINING_VERSION:
        return True
    if not is_known(record["experiment"]):
        return False
    present = Experiment.from_config(record["experiment"]).versions
    return own["model"] != present["model"]


def present_config(record: Record) -> dict[str, Any]:
    """The configuration with all options that its model had at that version."""
    config = record["experiment"]
    if not is_known(config):
        return config
    former = MODELS[config["model"]].former_defaults
    defaults = former.get(record["versions"]["model"], {})
    named = {**defaults, **dict(config["model_options"])}
    return {**config, "model_options": sorted(named.items())}


def path_of(experiment: Experiment, results_dir: pathlib.Path) -> pathlib.Path:
    return results_dir / f"{experiment.task}-{experiment.key}.json"


def find(
    experiment: Experiment, results_dir: pathlib.Path
) -> pathlib.Path | None:
    """The file of an experiment's record, if there is one.

    Where the files of its pretrained trunk are not on this machine, a record
    counts on whichever weights the preset of that name had.
    """
    path = path_of(experiment, results_dir)
    if path.exists():
        return path
    if experiment.pretrained is None or experiment.trunk_sha256 is not None:
        return None
    # As a file gives it back.
    config = json.loads(json.dumps(experiment.config()))
    for path in sorted(results_dir.glob(f"{experiment.task}-*.json")):
        if json.dumps(experiment.pretrained) not in path.read_text():
            continue
        record = read(path)
        if (record["experiment"], record["versions"]) == (
            config,
            experiment.versions,
        ):
            return path
    return None


def read(path: pathlib.Path) -> Record:
    try:
        record = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from error
    return check(record, path.name)


def read_all(results_dir: pathlib.Path) -> dict[str, Record]:
    """All records of a folder by their keys.

    Raises:
        ValueError: if two files are of one experiment, or one is no record.
    """
    records: dict[str, Record] = {}
    for path in sorted(results_dir.glob("*.json")):
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
    """The records of a folder, indexed by their experiments.

    Args:
        runs: mapping from configurations at seed 0, as JSON, to records of
            any seed.
        count: int. Number of records. Defaults to `0`.
        stale: int. Number of records that are ignored because their task or
            model has a newer version. Defaults to `0`.
        former: int. Number of records that count but were trained as an older
            version of the library trains. Defaults to `0`.
    """

    runs: Mapping[str, list[Record]]
    count: int = 0
    stale: int = 0
    former: int = 0

    @classmethod
    def read(cls, results_dir: pathlib.Path) -> Records:
        records = read_all(results_dir).values()
        fresh = [each for each in records if not is_stale(each)]
        runs: dict[str, list[Record]] = {}
        for each in sorted(fresh, key=lambda each: each["experiment"]["seed"]):
            runs.setdefault(_index(present_config(each)), []).append(each)
        return cls(
            runs,
            len(records),
            len(records) - len(fresh),
            sum(map(is_former, fresh)),
        )

    def of(self, experiment: Experiment) -> list[Record]:
        """Records of an experiment at any seed, in the order of the seeds.

        Former ones count only where there is none of today: a mean is of runs
        that were trained in one way.

        Raises:
            ValueError: if presets of one name had different weights, and the
                experiment does not say which are meant.
        """
        found = self.runs.get(_index(experiment.config()), [])
        found = [each for each in found if not is_former(each)] or found
        wanted = experiment.trunk_sha256
        hashes = {pretrained_sha256(each) for each in found}
        if wanted is not None and not all(map(is_former, found)):
            found = [x for x in found if pretrained_sha256(x) == wanted]
        elif len(hashes) > 1:
            raise ValueError(
                f"The records of {experiment} are of {len(hashes)} presets of "
                "one name with different weights: keep them in two folders, "
                "or give each preset a name of its own"
            )
        return found


def _index(config: Mapping[str, Any]) -> str:
    """What records of one experiment have in common, whatever the seed."""
    return json.dumps({**config, "seed": 0}, sort_keys=True)


def write(record: Record, results_dir: pathlib.Path) -> pathlib.Path:
    """Writes a record.

    Raises:
        ValueError: if it is none, or if there is one of the same experiment
            already.
    """
    check(record)
    name = f"{record['experiment']['task']}-{record['key']}.json"
    path = results_dir / name
    if path.exists():
        raise ValueError(
            f"There is a record of this experiment already, {name}: "
            "delete it to run the experiment again"
        )
    make_folder(results_dir)
    write_json(record, path)
    return path


def make_folder(folder: pathlib.Path) -> None:
    """Makes a folder of results, refused if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(
            f"Results cannot be written to {str(folder)!r} ({error}): choose "
            "another folder"
        ) from error
