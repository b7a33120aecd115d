"""The command line of tables: lists their runs, runs what is missing."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

from keras_fpt.experiments import records
from keras_fpt.experiments import schedule
from keras_fpt.experiments.cells import measured
from keras_fpt.experiments.ray_cluster import Cluster
from keras_fpt.experiments.recipe import Scale
from keras_fpt.experiments.records import Records
from keras_fpt.experiments.table import Cell
from keras_fpt.experiments.table import Table

SEEDS = 3  # as the paper
FORMER = "‡"
Text = Callable[[Table, Scale, Records, bool], str]


def main(
    tables: Table | Sequence[Table],
    scales: Scale | Sequence[Scale],
    arguments: Sequence[str] | None = None,
    text: Text | None = None,
    results_dir: str | pathlib.Path = "results/runs",
) -> None:
    """The command line of tables: lists their runs, runs what is missing.

    Args:
        tables: `Table` or sequence of them. Of several, the command line
            names those to run, or `--all`.
        scales: `Scale` or sequence of them. The first is the default.
        arguments: sequence of strings or `None`. Defaults to `None`, those of
            the process.
        text: callable or `None`. Takes table, scale, `Records` and whether
            rates are swept; returns what is printed at the end. Defaults to
            `None`, `table_text`.
        results_dir: path. Folder of the records, unless `--results` names
            another. Defaults to `"results/runs"`.

    Example:

    ```python
    from keras_fpt.experiments import Recipe, Row, Scale, Table, main

    ROWS = (Row.fpt("FPT", preset="gpt2_tiny_en"), Row.lstm("LSTM"))
    TABLE = Table("mine", "a table of my own", ROWS, ("bit_xor",))
    SCALE = Scale("small", Recipe(steps=200, evaluate_every=50, batch_size=16))
    main(TABLE, SCALE, ["--list"])
    ```
    """
    tables = [tables] if isinstance(tables, Table) else list(tables)
    scales = [scales] if isinstance(scales, Scale) else list(scales)
    parser = _parser(tables, scales, results_dir)
    chosen = parser.parse_args(arguments)
    if chosen.replicas < 1:
        parser.error(f"--replicas is at least 1, not {chosen.replicas}")
    by_name = {table.name: table for table in tables}
    names = list(by_name) if chosen.all else chosen.tables
    if not names and len(tables) > 1:
        parser.error(f"name tables, or --all: {', '.join(by_name)}")
    listed = [by_name[name] for name in names or by_name]
    known = {row.name for table in listed for row in table.rows}
    unknown = sorted(set(chosen.rows or ()) - known)
    if unknown:
        parser.error(f"no row is named {unknown}: expected of {sorted(known)}")
    scale = {scale.name: scale for scale in scales}[chosen.scale]
    presets = dict(pair.split("=", 1) for pair in chosen.preset)
    cells = [
        cell
        if cell.experiment is None
        else cell._replace(experiment=cell.experiment.on_trunk(presets))
        for table in listed
        for cell in table.cells(
            *(scale, chosen.seeds, chosen.sweep or table.sweep),
            *(chosen.rows, chosen.tasks),
        )
    ]
    if chosen.list:
        for line in listing(cells, chosen.results):
            print(line)
        return
    cluster = None
    if chosen.ray is not None:
        cluster = Cluster(chosen.ray, chosen.cpus, chosen.gpus)
    left = schedule.run_missing(
        [cell.experiment for cell in cells if cell.experiment is not None],
        chosen.results,
        presets,
        chosen.replicas,
        cluster,
        lambda line: print(line, flush=True),
    )
    found = Records.read(chosen.results)
    for table in listed:
        sweep = chosen.sweep or table.sweep
        print()
        print((text or table_text)(table, scale, found, sweep))
    if left:
        sys.exit(f"{left} runs are not done: see above, and start it again")


def _parser(
    tables: Sequence[Table],
    scales: Sequence[Scale],
    results_dir: str | pathlib.Path,
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="; ".join(f"{t.name}: {t.title}" for t in tables)
    )
    add = parser.add_argument
    tasks = sorted({name for table in tables for name in table.task_names})
    names = [scale.name for scale in scales]
    add("tables", nargs="*", choices=[*(t.name for t in tables), []])
    add("--all", action="store_true", help="every table")
    add("--scale", choices=names, default=names[0])
    add("--seeds", type=int, default=SEEDS, help="number of seeds, from 0 on")
    add("--sweep", action="store_true", help="choose rates by validation")
    add("--rows", nargs="*", help="as they are named; all if left out")
    add("--tasks", nargs="*", choices=tasks, help="all if left out")
    add("--list", action="store_true", help="show the runs, run nothing")
    add("--preset", nargs="*", default=[], metavar="NAME=FOLDER")
    add("--replicas", type=int, default=schedule.REPLICAS, help="most, on JAX")
    add("--ray", metavar="ADDRESS", help="a Ray cluster: auto, local, ray://")
    add("--cpus", type=float, default=1, help="of a run on Ray")
    add("--gpus", type=float, default=0, help="of a run on Ray")
    add("--results", type=pathlib.Path, default=pathlib.Path(results_dir))
    return parser


def listing(cells: Sequence[Cell], results_dir: pathlib.Path) -> Iterator[str]:
    """A line for each run: its key, its state, what it is."""
    for row, task, experiment in cells:
        if experiment is None:
            state, what = "no model", row.note or "not at this scale"
            yield f"{'-':<16}  {state:<8}  {row.name}, {task}: {what}"
        else:
            done = records.find(experiment, results_dir)
            state = "missing" if done is None else "done"
            yield f"{experiment.key}  {state:<8}  {row.name}, {experiment}"


def table_text(table: Table, scale: Scale, found: Records, sweep: bool) -> str:
    """A table as Markdown: mean ± standard error (number of runs).

    ‡ marks runs that were trained as an older version of the library trains,
    `>` and `<` bounds.
    """
    columns = [
        (task, unit) for task in table.task_names for unit in table.units
    ]
    lines = [
        "| | " + " | ".join(f"{task}, {unit}" for task, unit in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for row in table.rows:
        cells = []
        for task, unit in columns:
            cell = measured(table, row, task, unit, scale, found, sweep)
            if cell is None:
                cells.append("–")
                continue
            error = "" if cell.error is None else f" ± {cell.error:.3g}"
            former = FORMER if cell.former else ""
            bound = f"{cell.bound} " if cell.bound else ""
            cells.append(
                f"{bound}{cell.mean:.4g}{error} ({cell.count}){former}"
            )
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
