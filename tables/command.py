"""What every table's script does: lists its cells, runs what is missing."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pathlib
import sys
from collections.abc import Iterator
from collections.abc import Sequence

import records
from experiment import Experiment
from scales import FOLDERS
from scales import SCALES
from scales import SWEEP
from scales import Scale
from table import Row
from table import Table

SEEDS = 3


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
    add("--results", type=pathlib.Path, default=records.FOLDER)
    chosen = parser.parse_args(arguments)
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
    left = run_all(cells, chosen.results, folders)
    import report

    print()
    found = records.read_all(chosen.results)
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
) -> int:
    """Runs what has no record; returns how many runs are still missing."""
    import models
    import runner

    models.FOLDERS.update(presets)
    left, seen = 0, set()
    for row, _, experiment in cells:
        if experiment is None or experiment.key in seen:
            continue
        seen.add(experiment.key)
        if records.path_of(experiment, folder).exists():
            continue
        print(f"{row.name}, {experiment}", flush=True)
        with claimed(experiment, folder) as mine:
            if not mine:
                print("  is run by another process", flush=True)
                left += 1
                continue
            preset = dict(experiment.model_options).get("preset", "")
            if preset in FOLDERS and preset not in presets:
                print(f"  needs `--preset {preset}=FOLDER`", flush=True)
                left += 1
                continue
            record = runner.run(experiment, folder, _indented)
            print(f"  test {record['test_at_best']}", flush=True)
    return left


@contextlib.contextmanager
def claimed(experiment: Experiment, folder: pathlib.Path) -> Iterator[bool]:
    """Holds a run for this process, until it ends however it ends."""
    unfinished = folder / "unfinished"
    records.make_folder(unfinished)
    with open(unfinished / f"{experiment.key}.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
        with contextlib.suppress(OSError):
            os.remove(file.name)


def _indented(line: str) -> None:
    print(f"  {line}", flush=True)
