"""Runs the experiments that have no record yet, here or on a Ray cluster."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_fpt import trunks
from keras_fpt.experiments import groups
from keras_fpt.experiments import records
from keras_fpt.experiments import runner
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.locks import locked
from keras_fpt.experiments.unfinished import unfinished

# Most runs of a group: beyond this a run's share of the time falls little
# (tables/benchmarks/README.md).
REPLICAS = 16


def run_missing(
    experiments: Iterable[Experiment],
    results_dir: pathlib.Path,
    presets: Mapping[str, str] | None = None,
    replicas: int = REPLICAS,
    cluster: Any = None,
    print_fn: Callable[[str], Any] = print,
    minutes: float | None = None,
    evaluations: bool = True,
) -> int:
    """Runs what has no record; returns how many runs are still missing.

    Runs that another process has locked are left to it.

    Args:
        experiments: iterable of `Experiment`. In order of importance.
        results_dir: path. Folder of the records.
        presets: mapping from names of presets to folders on this machine.
            Defaults to `None`, none.
        replicas: int. Most runs that train together. Defaults to `16`.
        cluster: `Cluster` or `None`. Defaults to `None`: runs here.
        print_fn: callable. Takes a line of progress. Defaults to `print`.
        minutes: float or `None`. No run begins after this time. Defaults to
            `None`.
        evaluations: bool. Whether each evaluation is a line of progress, too.
            Defaults to `True`.
    """
    presets = presets or {}
    missing: dict[str, Experiment] = {}
    skipped: list[Experiment] = []
    for experiment in (each.on_trunk(presets) for each in experiments):
        if experiment.key in missing:
            continue
        if records.find(experiment, results_dir) is not None:
            continue
        preset = dict(experiment.model_options).get("preset", "")
        if (
            experiment.model == "fpt"
            and preset not in presets
            and not trunks.is_preset(preset)
        ):
            print_fn(f"{experiment}: needs `--preset {preset}=FOLDER`")
            skipped.append(experiment)
            continue
        missing[experiment.key] = experiment
    place = results_dir if cluster is None else cluster.scratch(results_dir)
    # A group that was interrupted is finished together.
    interrupted = [
        group
        for group in unfinished(place, missing)
        if any(experiment.key in missing for experiment in group)
    ]
    for experiment in (each for group in interrupted for each in group):
        missing.pop(experiment.key, None)
    todo = interrupted + groups.group_experiments(
        list(missing.values()), replicas
    )
    if cluster is None:
        quiet = print_fn if evaluations else lambda line: None
        skipped += _run_here(
            todo, results_dir, presets, print_fn, quiet, minutes
        )
    else:
        skipped += cluster.run(todo, results_dir, presets, print_fn)
    # Another process may have done some of them since.
    return sum(
        records.find(experiment, results_dir) is None for experiment in skipped
    )


def _run_here(
    todo: Sequence[Sequence[Experiment]],
    results_dir: pathlib.Path,
    presets: Mapping[str, str],
    print_fn: Callable[[str], Any],
    print_evaluation: Callable[[str], Any],
    minutes: float | None,
) -> list[Experiment]:
    """Runs groups one after the other; returns what was not run."""
    begin = time.monotonic()
    skipped: list[Experiment] = []
    done, total = 0, sum(map(len, todo))
    for group in todo:
        passed = (time.monotonic() - begin) / 60
        if minutes is not None and passed >= minutes:
            skipped += group
            continue
        with locked(group, results_dir) as mine:
            if not mine:
                print_fn(f"{group[0]}: another process has it")
                skipped += group
                total -= len(group)
                continue
            for experiment in group:
                print_evaluation(str(experiment))
            found = runner.run(
                group,
                results_dir,
                lambda line: print_evaluation(f"  {line}"),
                presets,
            )
        done += len(group)
        passed = (time.monotonic() - begin) / 60
        left = total - done
        for experiment, record in zip(group, found, strict=True):
            score = record["test_at_best"]
            print_fn(f"{experiment}: test {score}")
        if left:
            print_fn(
                f"{left} runs left, about {passed / done * left:.1f} minutes"
            )
    return skipped
