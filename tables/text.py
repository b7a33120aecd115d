"""Writes a table as Markdown: measured beside published."""

from __future__ import annotations

from typing import Any

from published import HEADINGS
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
            _written(
                measured(table, row, task, unit, scale, found, sweep),
                published_of(table, row, task, unit),
                sweep,
                0 if unit == "gradient_steps" and not row.ratio else 1,
            )
            for task, unit in columns
        ]
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _written(
    summary: Summary | None, known: Any, sweep: bool, digits: int
) -> str:
    if summary is None:
        ours = MISSING
    else:
        ours = f"{summary.bound} " if summary.bound else ""
        ours += f"{summary.mean:,.{digits}f}"
        if summary.error is not None:
            ours += f" ± {summary.error:,.{digits}f}"
        ours += f" ({summary.count})"
        if summary.former:
            ours += FORMER
        if summary.diverged:
            ours += f" {summary.diverged}†"
        if sweep:
            ours += f" at {summary.rate:g}"
    theirs = MISSING if known is None else f"{known.value:,g}"
    return f"{ours} / {theirs}"
