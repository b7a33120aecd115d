"""Measured beside published: what the records say about every table.

    python tables/report.py

writes `tables/README.md` and `tables/report.csv` from the records in
`tables/results/runs` and the published values in `tables/published.csv`.
`--figure FILE` draws Table 1 as the paper's Figure 1 does, `--curves FILE` how
the rows of Table 9 learn: statistics alone beside all of the values. A cell
shows the mean over seeds, its standard error, how many runs it is of, and the
published value. Runs of one scale and one protocol share a table with no
others.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import io
import itertools
import pathlib
import tomllib
from collections.abc import Iterator
from typing import Any

import figure
import records
from cells import Cell
from cells import measured
from cells import published_of
from records import Records
from scales import SCALES
from scales import Scale
from table import HEADINGS
from table import Row
from table import Table

HERE = pathlib.Path(__file__).parent
OTHERS = ["rothermel01", "cnn", "xor_length"]
MISSING = "–"
UNITS = {
    "accuracy_percent": "",
    "train_accuracy_percent": ", training",
    "gradient_steps": ", steps",
}


def tables() -> list[Table]:
    """All tables, by the files beside this one."""
    names = sorted(path.stem for path in HERE.glob("table[0-9]*.py"))
    # Table 22 is counted, not trained.
    names = [name for name in names if name != "table22"] + OTHERS
    return [importlib.import_module(name).TABLE for name in names]


def _written(cell: Cell | None, known: Any, sweep: bool, digits: int) -> str:
    if cell is None:
        ours = MISSING
    else:
        ours = f"{cell.mean:,.{digits}f}"
        if cell.error is not None:
            ours += f" ± {cell.error:,.{digits}f}"
        ours += f" ({cell.count})"
        if cell.diverged:
            ours += f" {cell.diverged}†"
        if sweep:
            ours += f" at {cell.rate:g}"
    theirs = MISSING if known is None else f"{known[0]:,g}"
    return f"{ours} / {theirs}"


def table_text(
    table: Table, scale: Scale, found: Records, sweep: bool | None = None
) -> str:
    """A table as Markdown: measured / published, cell by cell."""
    sweep = table.sweep if sweep is None else sweep
    columns = [(task, unit) for task in table.tasks for unit in table.units]
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


def cells_of(
    table: Table, scale: Scale, found: Records, sweep: bool
) -> Iterator[tuple[Row, str, str, Cell]]:
    """Rows, tasks and units of what is measured, and their cells."""
    for row, task, unit in itertools.product(
        table.rows, table.tasks, table.units
    ):
        cell = measured(table, row, task, unit, scale, found, sweep)
        if cell is not None:
            yield row, task, unit, cell


def lines_of(found: Records) -> Iterator[dict[str, Any]]:
    """Every cell that is measured, for a CSV file."""
    for table, scale, sweep in itertools.product(
        tables(), SCALES.values(), (False, True)
    ):
        for row, task, unit, cell in cells_of(table, scale, found, sweep):
            known = published_of(table, row, task, unit)
            yield {
                "table": table.number,
                "row": row.name,
                "task": task,
                "unit": "ratio" if row.ratio else unit,
                "scale": scale.name,
                "protocol": "sweep" if sweep else "fixed rate",
                **cell._asdict(),
                "published": known and known[0],
                "source": known and known[1],
            }


FIELDS = (
    *("table", "row", "task", "unit", "scale", "protocol"),
    *(*Cell._fields, "published", "source"),
)


def csv_text(found: Records) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines_of(found))
    return file.getvalue()


INTRODUCTION = """\
# The paper's tables, measured

Written by `python tables/report.py` from the records in `results/runs`; do not
edit it. A cell is *measured / published*: the mean of the test accuracy in
percent over seeds, its standard error, the number of runs in brackets, and what
the paper (or Rothermel et al., 2021) printed. {missing} is what was not run, or
what no source gives. † counts runs whose loss was not a number.

The test set is read once, with the weights of the best look at the validation
set. Steps to convergence are those of the first look from which validation
accuracy stays within 0.5 points of its best, which is the last one where a run
still learned when it ended; the paper does not say what its own are. Learning
rates are the paper's (1e-3; LSTM 3e-4; Remote Homology 1e-4) unless a table
says "swept".

Scale `cpu` is small: the embedded trunk `gpt2_tiny_en` (8 blocks, 256 wide) for
GPT-2 base, DeiT-tiny for ViT, short sequences, few steps (`scales.py`). Its
numbers stand beside the paper's to compare rows with rows, not cells.

{stale}
"""

TABLE22 = """\
## Table 22: sizes of the architectures, counted by the library

`python tables/table22.py`, which says what is counted; nothing is trained.

"""


def readme_text(found: Records) -> str:
    remarks = tomllib.loads((HERE / "remarks.toml").read_text())
    parts = [
        INTRODUCTION.format(
            missing=MISSING,
            stale=f"{found.count} records; {found.stale} of them are of an "
            "earlier version of their task or row and left out.",
        )
    ]
    for table in tables():
        number = table.number.replace("rothermel_", "Rothermel et al., ")
        heading = f"Table {number}" if number[-1].isdigit() else "Beside them"
        parts.append(f"## {heading}: {table.title}\n")
        notes = [f"{row.name}: {row.note}." for row in table.rows if row.note]
        if notes:
            parts.append(" ".join(notes) + "\n")
        shown = 0
        for scale, sweep in itertools.product(SCALES.values(), (False, True)):
            if not any(cells_of(table, scale, found, sweep)):
                continue
            text = table_text(table, scale, found, sweep)
            how = ", learning rates swept" if sweep else ""
            parts.append(f"Scale `{scale.name}`{how}:\n\n{text}\n")
            shown += 1
        if not shown:
            parts.append(
                "Not measured yet; published:\n\n"
                f"{table_text(table, SCALES['paper'], Records({}), False)}\n"
            )
        elif table.number in remarks:
            parts.append(remarks[table.number])
    parts.append(TABLE22 + (HERE / "results" / "table22.md").read_text())
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--results", type=pathlib.Path, default=records.FOLDER)
    add("--output", type=pathlib.Path, default=HERE)
    add("--figure", metavar="FILE", help="draw Table 1")
    add("--curves", metavar="FILE", help="draw Table 9 over steps")
    add("--scale", choices=tuple(SCALES), default="cpu")
    chosen = parser.parse_args()
    found = Records.read(chosen.results)
    (chosen.output / "README.md").write_text(readme_text(found))
    (chosen.output / "report.csv").write_text(csv_text(found))
    scale = SCALES[chosen.scale]
    by_number = {table.number: table for table in tables()}
    if chosen.figure:
        figure.draw(by_number["1"], scale, found, chosen.figure)
    if chosen.curves:
        figure.draw_curves(by_number["9"], scale, found, chosen.curves)
    print(f"{found.count} records: {chosen.output / 'README.md'}")


if __name__ == "__main__":
    main()
