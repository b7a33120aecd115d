"""A cell of a table: what the records say, and what was published."""

from __future__ import annotations

import math
import statistics
from typing import Any
from typing import NamedTuple

from records import Records
from scales import SWEEP
from scales import Scale
from table import Row
from table import Table
from table import published


class Cell(NamedTuple):
    """A measured value: its mean, the standard error of it, and of what."""

    mean: float
    error: float | None
    count: int
    diverged: int
    backends: str
    rate: float


def value_of(record: dict[str, Any], unit: str) -> float | None:
    """What a record says in a unit of the published values."""
    if unit == "accuracy_percent":
        value = record["test_at_best"]
        return None if value is None else 100 * value
    if unit == "train_accuracy_percent":
        for look in record["history"]:
            if look["step"] == record["best_step"]:
                return 100 * look["accuracy"]
        return None
    return record["steps_to_convergence"]


def measured(
    table: Table,
    row: Row,
    task: str,
    unit: str,
    scale: Scale,
    found: Records,
    sweep: bool,
) -> Cell | None:
    """A cell, if there is a record of it."""
    if row.ratio:
        return _ratio(table, row, task, unit, scale, found, sweep)
    best, cell, rates = -math.inf, None, 0
    for rate in SWEEP if sweep else (None,):
        runs = runs_of(table, row, task, scale, found, rate)
        looks = [run for run in runs if run["best_step"] is not None]
        if not looks:
            continue
        rates += 1
        mean = statistics.mean(_validation(run) for run in looks)
        if mean > best:
            best, cell = mean, _cell(runs, unit)
    # One rate is no choice.
    return None if sweep and rates < 2 else cell


def runs_of(
    table: Table,
    row: Row,
    task: str,
    scale: Scale,
    found: Records,
    rate: float | None = None,
) -> list[dict[str, Any]]:
    """The records of a cell, seed by seed, at one learning rate."""
    experiment = table.experiment(row, task, scale, 0, rate)
    return [] if experiment is None else found.runs.get(experiment, [])


def _validation(record: dict[str, Any]) -> float:
    return max(
        look["validation"]
        for look in record["history"]
        if look["validation"] is not None
    )


def _cell(runs: list[dict[str, Any]], unit: str) -> Cell | None:
    values = [value_of(run, unit) for run in runs]
    numbers = [value for value in values if value is not None]
    if not numbers:
        return None
    error = None
    if len(numbers) > 1:
        error = statistics.stdev(numbers) / math.sqrt(len(numbers))
    return Cell(
        statistics.mean(numbers),
        error,
        len(numbers),
        sum(run["diverged"] for run in runs),
        ", ".join(sorted({run["backend"] for run in runs})),
        runs[0]["experiment"]["learning_rate"],
    )


def _ratio(
    table: Table,
    row: Row,
    task: str,
    unit: str,
    scale: Scale,
    found: Records,
    sweep: bool,
) -> Cell | None:
    assert row.ratio is not None
    rows = {other.name: other for other in table.rows}
    over, under = (
        measured(table, rows[name], task, unit, scale, found, sweep)
        for name in row.ratio
    )
    if over is None or under is None:
        return None
    return over._replace(
        mean=over.mean / under.mean,
        error=None,
        count=min(over.count, under.count),
    )


def published_of(table: Table, row: Row, task: str, unit: str) -> Any:
    if row.ratio:
        unit = "ratio"
    where = row.same_as or (table.number, row.name)
    return published().get((*where, task, unit))
