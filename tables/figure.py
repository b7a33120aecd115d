"""Tables as figures: bars, as the paper's Figure 1, and curves."""

from __future__ import annotations

import statistics

from cells import measured
from cells import published_of
from cells import runs_of
from records import Records
from scales import Scale
from table import HEADINGS
from table import Table


def draw(table: Table, scale: Scale, found: Records, file: str) -> None:
    """Bars of each row, task by task, with the published ones beside."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(11, 4))
    width = 0.8 / len(table.rows)
    for i, row in enumerate(table.rows):
        for j, task in enumerate(table.tasks):
            unit = table.units[0]
            cell = measured(table, row, task, unit, scale, found, table.sweep)
            known = published_of(table, row, task, unit)
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
                    known[0],
                    *(place - width / 2, place + width / 2),
                    color=f"C{i}" if cell is None else "black",
                    label=label,
                )
    axes.set_xticks(range(len(table.tasks)))
    axes.set_xticklabels([HEADINGS[task] for task in table.tasks])
    axes.set(
        ylabel="test accuracy, %",
        title=f"{table.title}: bars at scale {scale.name}, lines as published",
    )
    axes.legend()
    figure.savefig(file, dpi=150, bbox_inches="tight")


def draw_curves(table: Table, scale: Scale, found: Records, file: str) -> None:
    """Validation accuracy over steps, mean over seeds, a panel a task.

    Raises:
        ValueError: if there is no record of the table.
    """
    import matplotlib.pyplot as plt

    curves = {
        (task, row.name): curve
        for task in table.tasks
        for row in table.rows
        if (curve := _curve(runs_of(table, row, task, scale, found)))
    }
    tasks = [task for task in table.tasks if any(t == task for t, _ in curves)]
    if not tasks:
        raise ValueError(
            f"There is no record of Table {table.number} at scale "
            f"{scale.name}: run its script first"
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
        axes.set(title=HEADINGS[task], xlabel="step")
    panels[0][0].set_ylabel("validation accuracy, %")
    labels = {
        label: line
        for axes in panels[0]
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(labels.values(), labels, loc="outside lower center", ncols=3)
    figure.savefig(file, dpi=110)


def _curve(runs: list[dict]) -> tuple[list[int], list[float]] | None:
    """Steps and means, of the looks that all runs have."""
    steps, means = [], []
    for looks in zip(*(run["history"] for run in runs), strict=False):
        accuracies = [look["validation"] for look in looks]
        if None not in accuracies:
            steps.append(looks[0]["step"])
            means.append(100 * statistics.mean(accuracies))
    return (steps, means) if steps else None
