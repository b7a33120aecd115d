"""Compares differences of rows with the published ones, seed by seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from published import HEADINGS
from published import published_of

from keras_fpt.experiments import Records
from keras_fpt.experiments import Row
from keras_fpt.experiments import Scale
from keras_fpt.experiments import Table
from keras_fpt.experiments.cells import chosen_records
from keras_fpt.experiments.cli import FORMER
from keras_fpt.experiments.records import is_former
from keras_fpt.experiments.statistics import Difference
from keras_fpt.experiments.statistics import paired_difference
from keras_fpt.experiments.units import Units

UNIT = "accuracy_percent"
# Whether the sign of a difference is that of the published one.
AGREES, OPPOSITE, OPEN = "agrees", "opposite", "open"
# Where the published values are equal: whether ours differ.
HERE_ONLY, IN_NEITHER = "here only", "in neither"
VERDICTS = (AGREES, OPPOSITE, OPEN, HERE_ONLY, IN_NEITHER)
# Tables that add a group to the row before: neighbours are compared. Elsewhere
# the first row is compared with each other one, unless pairs are named.
SUCCESSIVE = ("15", "19", "21")
PAIRS = {
    "9": (("Statistics Only", "Pretrained"), ("Statistics Only", "Default")),
    "lstm": (("Trans.", "LSTM, original"), ("Trans.", "LSTM*, original")),
}


class Comparison(NamedTuple):
    """The difference of two rows on a task, ours and the published one.

    `difference` is that of accuracies, `published` in points; `keys` are those
    of the runs, and `former` says whether any of them was trained as an older
    version of the library trains.
    """

    row: str
    other: str
    task: str
    difference: Difference
    published: float
    keys: frozenset[str]
    former: bool

    @property
    def verdict(self) -> str:
        """Whether the signs agree, if ours is settled.

        It is settled if its 95 % interval excludes zero, uncorrected for the
        number of comparisons.
        """
        interval = self.difference.interval
        settled = interval is not None and not interval[0] <= 0 <= interval[1]
        if not self.published:
            return HERE_ONLY if settled else IN_NEITHER
        if interval is None or not settled:
            return OPEN
        same = (interval[0] > 0) == (self.published > 0)
        return AGREES if same else OPPOSITE

    @property
    def numbers(self) -> str:
        """Ours with its interval and number of seeds, then the published."""
        units = Units("accuracy", self.difference)
        ours = units.signed.removesuffix(" points")
        if self.difference.interval is not None:
            ours += f" {units.interval}"
        mark = FORMER if self.former else ""
        count = f"({self.difference.num_pairs}){mark}"
        theirs = f"{self.published:+g}" if self.published else "0"
        return f"{ours} {count} / {theirs}"


def pairs_of(table: Table) -> list[tuple[Row, Row]]:
    """The rows of a table that are compared."""
    rows = {row.name: row for row in table.rows if not row.ratio}
    if table.name in PAIRS:
        return [(rows[ours], rows[other]) for ours, other in PAIRS[table.name]]
    listed = list(rows.values())
    if table.name in SUCCESSIVE:
        return [(after, before) for before, after in itertools.pairwise(listed)]
    return [(listed[0], other) for other in listed[1:]]


def comparisons(
    table: Table, scale: Scale, found: Records, sweep: bool
) -> Iterator[Comparison]:
    """Pairs of rows that are measured on a task and have published values.

    Published values of a table whose rates are swept are compared with runs
    whose rates are swept.
    """
    if UNIT not in table.units or (table.sweep and not sweep):
        return
    for (row, other), task in itertools.product(
        pairs_of(table), table.task_names
    ):
        known = [published_of(table, each, task, UNIT) for each in (row, other)]
        runs = [
            chosen_records(table, each, task, scale, found, sweep)
            for each in (row, other)
        ]
        if known[0] is None or known[1] is None:
            continue
        ours, theirs = (
            {run["experiment"]["seed"]: run["test_at_best"] for run in records}
            for records in runs
        )
        difference = paired_difference(ours, theirs)
        if difference.num_pairs:
            yield Comparison(
                row.name,
                other.name,
                task,
                difference,
                # Printed values have one decimal: the rest is rounding.
                round(known[0].value - known[1].value, 1),
                frozenset(run["key"] for run in itertools.chain(*runs)),
                any(map(is_former, itertools.chain(*runs))),
            )


def agreement_text(compared: list[Comparison]) -> str:
    """A line for each difference of two rows, in Markdown."""
    lines = ["| difference | task | measured / published | sign |"]
    lines.append("|---|---|---|---|")
    lines += [
        f"| {each.row} − {each.other} | {HEADINGS[each.task]} "
        f"| {each.numbers} | {each.verdict} |"
        for each in compared
    ]
    return "\n".join(lines) + "\n"
