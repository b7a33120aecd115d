"""Writes a table as Markdown: measured beside published."""

from __future__ import annotations

from published import HEADINGS
from published import Published
from published import published_of

from keras_fpt.experiments import Records
from keras_fpt.experiments import Scale
from keras_fpt.experiments import Table
from keras_fpt.experiments.cells import Summary
from keras_fpt.experiments.cells import measured
from keras_fpt.experiments.cli import FORMER

MISSING = "–"
UNITS = {
    "accuracy_percent": "",
    "train_accuracy_percent": ", training",
    "gradient_steps": ", steps",
}


def table_text(
    table: Table, scale: Scale, found: Records, sweep: bool | None = None
) -> str:
    """A table as Markdown: measured / published, cell by cell."""
    sweep = table.sweep if sweep is None else sweep
    columns = [
        (task, unit) for task in table.task_names for unit in table.units
    ]
    lines = [
        "| | "
        + " | ".join(HEADINGS[task] + UNITS[unit] for task, unit in columns)
        + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for row in table.rows:
        cells = [
            _cell(
                measured(table, row, task, unit, scale, found, sweep),
                published_of(table, row, task, unit),
                sweep,
                0 if unit == "gradient_steps" and not row.ratio else 1,
            )
            for task, unit in columns
        ]
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def written(summary: Summary, sweep: bool, digits: int) -> str:
    """A measured cell: mean, standard error, number of runs, and marks."""
    said = f"{summary.bound} " if summary.bound else ""
    said += f"{summary.mean:,.{digits}f}"
    if summary.error is not None:
        said += f" ± {summary.error:,.{digits}f}"
    said += f" ({summary.count})"
    if summary.former:
        said += FORMER
    if summary.diverged:
        said += f" {summary.diverged}†"
    if sweep:
        said += f" at {summary.rate:g}"
    return said


def _cell(
    summary: Summary | None,
    known: Published | None,
    sweep: bool,
    digits: int,
) -> str:
    ours = MISSING if summary is None else written(summary, sweep, digits)
    theirs = MISSING if known is None else f"{known.value:,g}"
    return f"{ours} / {theirs}"
