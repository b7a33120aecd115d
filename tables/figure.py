"""A table as bars, as the paper's Figure 1 draws its first."""

from __future__ import annotations

from cells import Records
from cells import measured
from cells import published_of
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
