"""What every table's script does: lists its cells, runs what is missing."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Iterator
from collections.abc import Sequence

import records
from claims import claimed
from cluster import Cluster
from cluster import scratch_of
from experiment import Experiment
from records import Records
from scales import FOLDERS
from scales import SCALES
from scales import SWEEP
from scales import Scale
from table import Row
from table import Table

SEEDS = 3
# Of runs that train together where they can: a run's share of the time falls
# little after that (speed.md).
REPLICAS = 16


def main(table: Table, arguments: Sequence[str] | None = None) -> None:
    """The command line of a table.

    Args:
        table: `Table`.
        arguments: sequence of strings or `None`. Defaults to `None`, those of
            the process.
    """
    parser = argparse.ArgumentParser(
        description=f"Table {table.number}: {table.title}"
    )
    add = parser.add_argument
    add("--scale", choices=tuple(SCALES), default="cpu")
    add("--seeds", type=int, default=SEEDS, help="so many, from 0 on")
    add("--sweep", action="store_true", help="choose rates by validation")
    add("--rows", nargs="*", help="as they are named; all if left out")
    add("--tasks", nargs="*", choices=table.tasks, help="all if left out")
    add("--list", action="store_true", help="show the cells, run nothing")
    add("--preset", nargs="*", default=[], metavar="NAME=FOLDER")
    add("--replicas", type=int, default=REPLICAS, help="most, on JAX")
    add("--ray", metavar="ADDRESS", help="a Ray cluster: auto, local, ray://")
    add("--cpus", type=float, default=1, help="of a run on Ray")
    add("--gpus", type=float, default=0, help="of a run on Ray")
    add("--results", type=pathlib.Path, default=records.FOLDER)
    chosen = parser.parse_args(arguments)
    if chosen.replicas < 1:
        parser.error(f"--replicas is at least 1, not {chosen.replicas}")
    unknown = set(chosen.rows or ()) - {row.name for row in table.rows}
    if unknown:
        parser.error(
            f"no row is named {sorted(unknown)}: expected of "
            f"{[row.name for row in table.rows]}"
        )
    scale = SCALES[chosen.scale]
    sweep = chosen.sweep or table.sweep
    cells = list(
        cells_of(
            *(table, scale, chosen.seeds, sweep),
            *(chosen.rows, chosen.tasks),
        )
    )
    if chosen.list:
        for line in listing(cells, chosen.results):
            print(line)
        return
    folders = dict(pair.split("=", 1) for pair in chosen.preset)
    cluster = None
    if chosen.ray is not None:
        cluster = Cluster(chosen.ray, chosen.cpus, chosen.gpus)
    left = run_all(cells, chosen.results, folders, chosen.replicas, cluster)
    import report

    print()
    found = Records.read(chosen.results)
    print(report.table_text(table, scale, found, sweep))
    if left:
        sys.exit(f"{left} runs are not done: see above, and start it again")


def cells_of(
    table: Table,
    scale: Scale,
    seeds: int,
    sweep: bool,
    rows: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
) -> Iterator[tuple[Row, str, Experiment | None]]:
    """Rows, tasks and experiments, seed by seed: the first seed comes first."""
    for seed in range(seeds):
        for row in table.rows:
            for task in table.tasks:
                if (rows and row.name not in rows) or (
                    tasks and task not in tasks
                ):
                    continue
                for rate in SWEEP if sweep else (None,):
                    yield (
                        row,
                        task,
                        table.experiment(row, task, scale, seed, rate),
                    )


def listing(
    cells: Sequence[tuple[Row, str, Experiment | None]], folder: pathlib.Path
) -> Iterator[str]:
    """A line for each run: its key, its state, what it is."""
    for row, task, experiment in cells:
        if experiment is None:
            state, what = "no model", row.note or "not at this scale"
            yield f"{'-':<16}  {state:<8}  {row.name}, {task}: {what}"
        else:
            done = records.path_of(experiment, folder).exists()
            state = "done" if done else "missing"
            yield f"{experiment.key}  {state:<8}  {row.name}, {experiment}"


def run_all(
    cells: Sequence[tuple[Row, str, Experiment | None]],
    folder: pathlib.Path,
    presets: dict[str, str],
    replicas: int = REPLICAS,
    cluster: Cluster | None = None,
) -> int:
    """Runs what has no record; returns how many runs are still missing."""
    import models
    import progress
    import team

    models.FOLDERS.update(presets)
    missing, skipped = {}, []
    for _, _, experiment in cells:
        if experiment is None or experiment.key in missing:
            continue
        if records.path_of(experiment, folder).exists():
            continue
        preset = dict(experiment.model_options).get("preset", "")
        if preset in FOLDERS and preset not in presets:
            _indented(f"{experiment}: needs `--preset {preset}=FOLDER`")
            skipped.append(experiment)
            continue
        missing[experiment.key] = experiment
    # What was begun together is finished together.
    teams = [
        begun
        for begun in progress.begun(
            folder if cluster is None else scratch_of(folder)
        )
        if any(experiment.key in missing for experiment in begun)
    ]
    for experiment in (each for begun in teams for each in begun):
        missing.pop(experiment.key, None)
    teams += team.teams(list(missing.values()), replicas)
    if cluster is None:
        skipped += _run_here(teams, folder)
    else:
        skipped += cluster.run(teams, folder, presets)
    # Another process may have done some of them since.
    return sum(
        not records.path_of(experiment, folder).exists()
        for experiment in skipped
    )


def _run_here(
    teams: Sequence[Sequence[Experiment]], folder: pathlib.Path
) -> list[Experiment]:
    """Runs teams one after the other; returns what another process has."""
    import runner

    skipped: list[Experiment] = []
    for team in teams:
        with claimed(team, folder) as mine:
            print(*team, sep="\n", flush=True)
            if not mine:
                _indented("another process has it")
                skipped += team
                continue
            for record in runner.run(team, folder, _indented):
                _indented(f"test {record['test_at_best']}")
    return skipped


def _indented(line: str) -> None:
    print(f"  {line}", flush=True)
