"""Writes the first screen of the report: what agrees with the paper."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
from agreement import UNIT
from agreement import VERDICTS
from agreement import Comparison
from agreement import comparisons
from published import HEADINGS
from published import published
from published import published_of
from text import UNITS
from text import written

from keras_fpt.experiments import Records
from keras_fpt.experiments import Scale
from keras_fpt.experiments import Table
from keras_fpt.experiments.cells import chosen_records
from keras_fpt.experiments.cells import summarize
from keras_fpt.experiments.cells import value_of
from keras_fpt.experiments.cli import FORMER
from keras_fpt.experiments.records import Record
from keras_fpt.experiments.records import is_former
from keras_fpt.experiments.significance import t_test

SOURCES = """\
Published values: none was read from the papers themselves. In `published.csv`,
{slides} are tagged `slides` (slides of a seminar that copy the paper's Tables
1, 2, 3, 6, 9, 12, 14, 18 and 20) and {notes} `notes` (public notes that
transcribe the paper, docs/research/fpt.md of github.com/Ucchwas/Graph_to_LLM);
{equal} name the row of another table that they are filled from, because both
rows are the same model; {rothermel} are those of Rothermel et al. (2021), from
the same notes.
"""
LEGEND = """\
Numbers below are *measured / published*: brackets are the 95 % t-interval over
seeds, parentheses the number of seeds. A difference of two rows, in points,
**agrees** or is **opposite** if its interval excludes zero, on the side of the
published one or on the other side. It is **open** if its interval holds zero.
Where the published values are equal, it is **here only** or **in neither**.
Intervals are not corrected for the number of differences. Scale `cpu` stands in
for the paper's trunks with small ones: a DeiT-tiny for ViT, for example.
"""

STEPS = UNITS["gradient_steps"]


def overview_text(
    tables: Sequence[Table], scales: Iterable[Scale], found: Records
) -> str:
    """What has been measured at which scale, and what agrees."""
    parts = ["## What has been measured\n", LEGEND]
    for scale in scales:
        values = list(_values(tables, scale, found))
        compared = list(_compared(tables, scale, found))
        if not values:
            continue
        runs = frozenset().union(*(keys for _, keys in values))
        parts.append(f"Scale `{scale.name}`, {len(runs)} runs:\n")
        lines = _differences(compared)
        if scale.presets:
            # Of other trunks, values do not compare with the published ones.
            lines += [line for line in _first(values) if STEPS in line]
        else:
            lines += _first(values)
        parts.append("\n".join(lines) + "\n")
    return "\n".join([*parts, SOURCES.format(**_sources())])


def _sources() -> dict[str, int]:
    """How many published values there are of each source."""
    tags = collections.Counter(each.source for each in published().values())
    counts = {
        name.lower(): tags[name] for name in ("slides", "notes", "Rothermel")
    }
    return {**counts, "equal": tags.total() - sum(counts.values())}


def _compared(
    tables: Sequence[Table], scale: Scale, found: Records
) -> Iterator[tuple[Table, Comparison]]:
    """Differences with the tables where they stand first."""
    seen = set()
    for table, sweep in itertools.product(tables, (False, True)):
        for each in comparisons(table, scale, found, sweep):
            if each.keys not in seen:
                seen.add(each.keys)
                yield table, each


def _differences(compared: list[tuple[Table, Comparison]]) -> list[str]:
    """A line for each pair of rows with intervals, and the counts."""
    if not compared:
        return []
    settled = [
        (table, each)
        for table, each in compared
        if each.difference.interval is not None
    ]
    counts = collections.Counter(each.verdict for _, each in settled)
    said = ", ".join(f"{name} {counts[name]}" for name in VERDICTS)
    lines = [f"- Differences of two rows, {len(settled)} in all: {said}"]
    pairs: dict[str, list[Comparison]] = {}
    for table, each in settled:
        name = f"Table {table.name}, {each.row} − {each.other}"
        pairs.setdefault(name, []).append(each)
    for name, each_task in pairs.items():
        verdicts = [
            f"**{verdict}** "
            + ", ".join(
                f"{HEADINGS[each.task]} {each.numbers}"
                for each in each_task
                if each.verdict == verdict
            )
            for verdict in VERDICTS
            if any(each.verdict == verdict for each in each_task)
        ]
        lines.append(f"- {name}: {'; '.join(verdicts)}")
    single = [each for each in compared if each not in settled]
    names = dict.fromkeys(f"Table {table.name}" for table, _ in single)
    if single:
        lines.append(
            f"- {len(single)} more are of a single seed, and open: "
            f"{', '.join(names)}"
        )
    return lines


def _first(values: list[tuple[str, frozenset[str]]]) -> list[str]:
    """Lines of values where they stand first: tables share runs."""
    first = {(keys, STEPS in line): line for line, keys in reversed(values)}
    return [line for line, _ in values if line in first.values()]


def _values(
    tables: Sequence[Table], scale: Scale, found: Records
) -> Iterator[tuple[str, frozenset[str]]]:
    """Cells beside their published values, and the keys of their runs."""
    for table, sweep in itertools.product(tables, (False, True)):
        for row, task, unit in itertools.product(
            table.rows, table.task_names, table.units
        ):
            known = published_of(table, row, task, unit)
            if known is None or row.ratio or (table.sweep and not sweep):
                continue
            runs = chosen_records(table, row, task, scale, found, sweep)
            summary = summarize(runs, unit)
            if summary is None:
                continue
            ours = written(summary, sweep, 1 if unit == UNIT else 0)
            if unit == UNIT:
                ours = _with_interval(runs, summary.mean)
            yield (
                f"- Table {table.name}, {row.name} on {HEADINGS[task]}"
                f"{UNITS[unit]}: {ours} / {known.value:,g}",
                frozenset(run["key"] for run in runs),
            )


def _with_interval(runs: Sequence[Record], mean: float) -> str:
    """Mean accuracy in percent, its interval and the number of seeds."""
    values = [value_of(run, UNIT) for run in runs]
    numbers = np.array([value for value in values if value is not None])
    interval, _ = t_test(numbers, rounding=1e-5)
    said = f"{mean:.1f}"
    if interval is not None:
        # An accuracy is not above 100 %, whatever the normal distribution.
        low, high = max(interval[0], 0.0), min(interval[1], 100.0)
        said += f" [{low:.1f}, {high:.1f}]"
    mark = FORMER if any(map(is_former, runs)) else ""
    return f"{said} ({len(numbers)}){mark}"
