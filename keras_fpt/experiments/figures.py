"""Draws comparisons and tables: bars with single runs, and curves."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from keras_fpt.experiments.cells import measured
from keras_fpt.experiments.cells import records_of
from keras_fpt.experiments.recipe import Scale
from keras_fpt.experiments.records import Record
from keras_fpt.experiments.records import Records
from keras_fpt.experiments.table import Table

Heading = Callable[[str], str]


def draw_results(results: Any) -> Any:
    """Bars of the rows with their runs as points; curves over examples.

    Args:
        results: `Results`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    if len(results.examples) > 1:
        _draw_learning_curves(axes, results)
    else:
        (examples,) = results.examples
        for place, row in enumerate(results.rows):
            scores = results.scores(row, examples)
            if not scores:
                continue
            mean = statistics.mean(scores)
            axes.bar(place, mean, 0.7, color=f"C{place}", alpha=0.5)
            axes.plot([place] * len(scores), scores, "o", color=f"C{place}")
        axes.set_xticks(range(len(results.rows)), results.rows)
    axes.set_ylabel(f"test {results.metric}")
    axes.set_title("Bars are means over seeds, points single runs", fontsize=9)
    return figure


def _draw_learning_curves(axes: Any, results: Any) -> None:
    counts = sorted(count for count in results.examples if count is not None)
    order: list[Any] = [*counts, *([None] if None in results.examples else [])]
    for number, row in enumerate(results.rows):
        points = [
            (place, results.scores(row, count))
            for place, count in enumerate(order)
        ]
        for place, scores in points:
            axes.plot([place] * len(scores), scores, ".", color=f"C{number}")
        means = [(p, statistics.mean(scores)) for p, scores in points if scores]
        axes.plot(*zip(*means, strict=True), color=f"C{number}", label=row)
    names = ["all" if count is None else f"{count:,}" for count in order]
    axes.set_xticks(range(len(order)), names)
    axes.set_xlabel("training examples")
    axes.legend()


def draw_table(
    table: Table,
    scale: Scale,
    found: Records,
    file: str,
    published: Callable[..., Any],
    heading: Heading,
) -> None:
    """Bars of each row, task by task, with published values as lines.

    Args:
        table: `Table`.
        scale: `Scale`.
        found: `Records`.
        file: string. Where the picture is saved.
        published: callable. Takes table, row, task and unit; returns the
            published value or `None`.
        heading: callable. Takes a task; returns how it is written.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(11, 4))
    width = 0.8 / len(table.rows)
    unit = table.units[0]
    for i, row in enumerate(table.rows):
        for j, task in enumerate(table.task_names):
            cell = measured(table, row, task, unit, scale, found, table.sweep)
            known = published(table, row, task, unit)
            place = j + (i - (len(table.rows) - 1) / 2) * width
            label = row.name if j == 0 else None
            if cell is not None:
                axes.bar(
                    *(place, cell.mean, 0.9 * width),
                    yerr=cell.error,
                    color=f"C{i}",
                    label=label,
                )
                label = None
            if known is not None:
                axes.hlines(
                    known,
                    *(place - width / 2, place + width / 2),
                    color=f"C{i}" if cell is None else "black",
                    label=label or "",
                )
    axes.set_xticks(range(len(table.tasks)))
    axes.set_xticklabels([heading(task) for task in table.task_names])
    axes.set(
        ylabel="test accuracy, %",
        title=f"{table.title}: bars at scale {scale.name}, lines as published",
    )
    axes.legend()
    figure.savefig(file, dpi=150, bbox_inches="tight")


def draw_curves(
    table: Table, scale: Scale, found: Records, file: str, heading: Heading
) -> None:
    """Validation accuracy over steps, mean over seeds, a panel a task.

    Raises:
        ValueError: if there is no record of the table.
    """
    import matplotlib.pyplot as plt

    curves = {
        (task, row.name): curve
        for task in table.task_names
        for row in table.rows
        if (curve := _curve(records_of(table, row, task, scale, found)))
    }
    tasks = [t for t in table.task_names if any(t == u for u, _ in curves)]
    if not tasks:
        raise ValueError(
            f"There is no record of Table {table.name} at scale {scale.name}: "
            "run it first"
        )
    figure, panels = plt.subplots(
        *(1, len(tasks)),
        figsize=(3.2 * len(tasks), 3),
        squeeze=False,
        layout="constrained",
    )
    for axes, task in zip(panels[0], tasks, strict=True):
        for i, row in enumerate(table.rows):
            if (task, row.name) in curves:
                steps, means = curves[task, row.name]
                axes.plot(steps, means, color=f"C{i}", label=row.name)
        axes.set(title=heading(task), xlabel="step")
    panels[0][0].set_ylabel("validation accuracy, %")
    labels = {
        label: line
        for axes in panels[0]
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(labels.values(), labels, loc="outside lower center", ncols=3)
    figure.savefig(file, dpi=110)


def _curve(runs: Sequence[Record]) -> tuple[list[int], list[float]] | None:
    """Steps and means, of the evaluations that all runs have."""
    steps, means = [], []
    for evaluations in zip(*(run["history"] for run in runs), strict=False):
        accuracies = [each["validation"] for each in evaluations]
        if None not in accuracies:
            steps.append(evaluations[0]["step"])
            means.append(100 * statistics.mean(accuracies))
    return (steps, means) if steps else None
