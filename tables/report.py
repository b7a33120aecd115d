"""Measured beside published: what the records say about every table.

    python tables/report.py

writes `tables/README.md` and `tables/report.csv` from the records in
`tables/results/runs` and the published values in `tables/published.csv`, and
`docs/paper_rows.md` from the rows.
`--figure FILE` draws Table 1 as the paper's Figure 1 does, `--curves FILE` how
the rows of Table 9 learn: statistics alone beside all of the values. A cell
shows the mean over seeds, its standard error, how many runs it is of, and the
published value. Runs of one scale and one protocol share a table with no
others.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import pathlib
import tomllib
from collections.abc import Iterator
from typing import Any

import beyond
import paper
import rows_page
from agreement import agreement_text
from agreement import comparisons
from overview import overview_text
from published import HEADINGS
from published import RESULTS
from published import published_of
from scales import CPU
from scales import LANGUAGE
from scales import PAPER
from scales import SCALES
from text import MISSING
from text import table_text

from keras_fpt.experiments import Records
from keras_fpt.experiments import Row
from keras_fpt.experiments import Scale
from keras_fpt.experiments import Table
from keras_fpt.experiments import figures
from keras_fpt.experiments.cells import Summary
from keras_fpt.experiments.cells import measured

HERE = pathlib.Path(__file__).parent
TABLES = (*paper.TABLES, *beyond.TABLES)
REPORTED = (PAPER, CPU, LANGUAGE)


def cells_of(
    table: Table, scale: Scale, found: Records, sweep: bool
) -> Iterator[tuple[Row, str, str, Summary]]:
    """Rows, tasks and units of what is measured, and their cells."""
    for row, task, unit in itertools.product(
        table.rows, table.task_names, table.units
    ):
        cell = measured(table, row, task, unit, scale, found, sweep)
        if cell is not None:
            yield row, task, unit, cell


def lines_of(found: Records) -> Iterator[dict[str, Any]]:
    """Every cell that is measured, for a CSV file."""
    for table, scale, sweep in itertools.product(
        TABLES, REPORTED, (False, True)
    ):
        for row, task, unit, cell in cells_of(table, scale, found, sweep):
            known = published_of(table, row, task, unit)
            yield {
                "table": table.name,
                "row": row.name,
                "task": task,
                "unit": "ratio" if row.ratio else unit,
                "scale": scale.name,
                "protocol": "sweep" if sweep else "fixed rate",
                **cell._asdict(),
                "published": known and known.value,
                "source": known and known.source,
            }


FIELDS = (
    *("table", "row", "task", "unit", "scale", "protocol"),
    *(*Summary._fields, "published", "source"),
)


def csv_text(found: Records) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines_of(found))
    return file.getvalue()


TITLE = """\
# The paper's tables, measured

Written by `python tables/report.py` from the records in `results/runs`; do not
edit it.
"""
INTRODUCTION = """\
## How to read the tables

A cell is *measured / published*: the mean of the test accuracy in
percent over seeds, its standard error, the number of runs in brackets, and what
the paper (or Rothermel et al., 2021) printed. {missing} is what was not run, or
what no source gives. † counts runs whose loss was not a number. ‡ marks runs
with the former optimizer, `keras.optimizers.Adam`: it adds epsilon before the
correction of the moments, PyTorch's Adam and the paper's after it. That makes
the first steps of small gradients, such as those of positions, smaller. These
runs are valid as what they are. No cell mixes them with runs of today, which
replace them.

The test set is evaluated once, with the weights that did best on validation.
Learning rates are the paper's (1e-3; LSTM 3e-4; Remote Homology 1e-4) unless a
table says "swept".

Steps to convergence: the first evaluation after which validation accuracy stays
within 0.5 points of its best, if it does so for the last fifth of the run and
for three evaluations or more. Otherwise the run has not converged and counts
with the steps it made: the mean is then a lower bound, written `>`. A speedup
from a bound is a bound; from two bounds it is unknown, {missing}. The paper
does not say when its own runs count as converged.

Scale `cpu` is small: the embedded trunk `gpt2_tiny_en` (8 blocks, 256 wide) for
GPT-2 base, DeiT-tiny for ViT, short sequences, few steps (`scales.py`). Compare
differences between rows with the paper's, not the numbers themselves; under a
table they stand in points, with their intervals and the verdicts of the first
screen.

{stale}
"""

TABLE22 = """\
## Table 22: sizes of the architectures, counted by the library

`python tables/sizes.py`, which says what is counted; nothing is trained.

"""


def readme_text(found: Records) -> str:
    remarks = tomllib.loads((HERE / "remarks.toml").read_text())
    parts = [
        TITLE,
        overview_text(TABLES, REPORTED, found),
        INTRODUCTION.format(
            missing=MISSING,
            stale=f"{found.count} records; {found.stale} of them are of an "
            "earlier version of their task or row and left out, "
            f"{found.former} were trained with the former optimizer (‡).",
        ),
    ]
    for table in TABLES:
        number = table.name.replace("rothermel_", "Rothermel et al., ")
        heading = f"Table {number}" if number[-1].isdigit() else "Beside them"
        parts.append(f"## {heading}: {table.title}\n")
        notes = [f"{row.name}: {row.note}." for row in table.rows if row.note]
        if notes:
            parts.append(" ".join(notes) + "\n")
        shown = 0
        for scale, sweep in itertools.product(REPORTED, (False, True)):
            if not any(cells_of(table, scale, found, sweep)):
                continue
            text = table_text(table, scale, found, sweep)
            how = ", learning rates swept" if sweep else ""
            parts.append(f"Scale `{scale.name}`{how}:\n\n{text}\n")
            compared = list(comparisons(table, scale, found, sweep))
            if compared:
                parts.append(agreement_text(compared))
            shown += 1
        if not shown and heading == "Beside them":
            parts.append("Not measured yet.\n")
        elif not shown:
            parts.append(
                "Not measured yet; published:\n\n"
                f"{table_text(table, PAPER, Records({}), False)}\n"
            )
        elif table.name in remarks:
            parts.append(remarks[table.name])
    parts.append(TABLE22 + (HERE / "results" / "sizes.md").read_text())
    return "\n".join(parts)


def value(*cell: Any) -> float | None:
    known = published_of(*cell)
    return known and known.value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--results", type=pathlib.Path, default=RESULTS)
    add("--output", type=pathlib.Path, default=HERE)
    add("--figure", metavar="FILE", help="draw Table 1")
    add("--curves", metavar="FILE", help="draw Table 9 over steps")
    add("--scale", choices=[s.name for s in SCALES], default="cpu")
    chosen = parser.parse_args()
    found = Records.read(chosen.results)
    (chosen.output / "README.md").write_text(readme_text(found))
    (chosen.output / "report.csv").write_text(csv_text(found))
    (HERE.parent / "docs" / "paper_rows.md").write_text(
        rows_page.page(paper.TABLES)
    )
    (scale,) = (s for s in SCALES if s.name == chosen.scale)
    by_number = {table.name: table for table in TABLES}
    if chosen.figure:
        figures.draw_table(
            by_number["1"], scale, found, chosen.figure, value, HEADINGS.get
        )
    if chosen.curves:
        figures.draw_curves(
            by_number["9"], scale, found, chosen.curves, HEADINGS.get
        )
    print(f"{found.count} records: {chosen.output / 'README.md'}")


if __name__ == "__main__":
    main()
