"""Summaries of records: mean, standard error and chosen learning rate."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

from keras_fpt.experiments.history import steps_to_convergence
from keras_fpt.experiments.recipe import Scale
from keras_fpt.experiments.records import Record
from keras_fpt.experiments.records import Records
from keras_fpt.experiments.records import is_former
from keras_fpt.experiments.rows import Row
from keras_fpt.experiments.table import Table


class Summary(NamedTuple):
    """Mean over seeds, its standard error, and what it is the mean of.

    `former` counts the runs that were trained as an older version of the
    library trains (`records.is_former`). `bound` is `">"` or `"<"` where the
    mean is only a lower or an upper bound: of steps to convergence, if runs
    ended before they had converged. Such a mean has no standard error.
    """

    mean: float
    error: float | None
    count: int  # type: ignore[assignment]
    diverged: int
    backends: str
    rate: float
    former: int = 0
    bound: str = ""


def value_of(record: Record, unit: str) -> float | None:
    """The value of a record in a unit.

    Steps to convergence follow from the history; those of a run that ended
    before are the steps that it made (`has_not_converged`).
    """
    if unit == "score":
        return record["test_at_best"]
    if unit == "accuracy_percent":
        value = record["test_at_best"]
        return None if value is None else 100 * value
    if unit == "train_accuracy_percent":
        for evaluation in record["history"]:
            if evaluation["step"] == record["best_step"]:
                return 100 * evaluation["training"]
        return None
    if record["diverged"]:
        return None
    steps = steps_to_convergence(record["history"])
    return record["history"][-1]["step"] if steps is None else steps


def has_not_converged(record: Record) -> bool:
    """Whether a run ended before it had converged; no loss was NaN."""
    return (
        not record["diverged"]
        and steps_to_convergence(record["history"]) is None
    )


def best_validation(record: Record) -> float | None:
    """The best validation score of a run; `None` if it has none."""
    scores = [
        each["validation"]
        for each in record["history"]
        if each["validation"] is not None
    ]
    return max(scores, default=None)


def chosen_rate(runs: Mapping[float, Sequence[Record]]) -> float | None:
    """The learning rate with the best mean validation score.

    Rates with fewer runs than others are left out: a mean of few seeds may
    be the best by luck.
    """
    scores: dict[float, list[float]] = {}
    for rate, records in runs.items():
        values = [best_validation(record) for record in records]
        if records and None not in values:
            scores[rate] = [value for value in values if value is not None]
    most = max(map(len, scores.values()), default=0)
    means = {
        rate: statistics.mean(values)
        for rate, values in scores.items()
        if len(values) == most
    }
    return max(means, key=lambda rate: means[rate], default=None)


def summarize(records: Sequence[Record], unit: str) -> Summary | None:
    """Summary of runs of one row at one learning rate; `None` if none ended."""
    values = [value_of(record, unit) for record in records]
    numbers = [value for value in values if value is not None]
    if not numbers:
        return None
    bound = ""
    if unit == "gradient_steps" and any(map(has_not_converged, records)):
        bound = ">"
    error = None
    if len(numbers) > 1 and not bound:
        error = statistics.stdev(numbers) / math.sqrt(len(numbers))
    return Summary(
        statistics.mean(numbers),
        error,
        len(numbers),
        sum(record["diverged"] for record in records),
        ", ".join(sorted({record["backend"] for record in records})),
        records[0]["experiment"]["learning_rate"],
        sum(map(is_former, records)),
        bound,
    )


def measured(
    table: Table,
    row: Row,
    task: str,
    unit: str,
    scale: Scale,
    found: Records,
    sweep: bool,
) -> Summary | None:
    """Summary of a cell of a table, if there is a record of it."""
    if row.ratio:
        return _ratio(table, row, task, unit, scale, found, sweep)
    return summarize(
        chosen_records(table, row, task, scale, found, sweep), unit
    )


def chosen_records(
    table: Table,
    row: Row,
    task: str,
    scale: Scale,
    found: Records,
    sweep: bool,
) -> list[Record]:
    """The records of a cell, of a sweep those at the chosen learning rate."""
    if not sweep:
        return records_of(table, row, task, scale, found)
    runs = {
        rate: records_of(table, row, task, scale, found, rate)
        for rate in scale.sweep
    }
    # A sweep needs at least two learning rates.
    if sum(bool(records) for records in runs.values()) < 2:
        return []
    rate = chosen_rate(runs)
    return [] if rate is None else runs[rate]


def records_of(
    table: Table,
    row: Row,
    task: str,
    scale: Scale,
    found: Records,
    rate: float | None = None,
) -> list[Record]:
    """The records of a cell, seed by seed, at one learning rate."""
    experiment = table.experiment(row, task, scale, 0, rate)
    return [] if experiment is None else found.of(experiment)


def _ratio(
    table: Table,
    row: Row,
    task: str,
    unit: str,
    scale: Scale,
    found: Records,
    sweep: bool,
) -> Summary | None:
    assert row.ratio is not None
    rows = {other.name: other for other in table.rows}
    over, under = (
        measured(table, rows[name], task, unit, scale, found, sweep)
        for name in row.ratio
    )
    if over is None or under is None or (over.bound and under.bound):
        # Of two lower bounds the ratio may be anything.
        return None
    return over._replace(
        mean=over.mean / under.mean,
        error=None,
        count=min(over.count, under.count),
        former=max(over.former, under.former),
        bound="<" if under.bound else over.bound,
    )
