"""Published values by table, row, task and unit, and how they are written."""

from __future__ import annotations

import csv
import functools
import pathlib
from typing import NamedTuple

from keras_fpt.experiments import Row
from keras_fpt.experiments import Table

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "runs"
# Names of tasks -> as the paper writes them.
HEADINGS = {
    "bit_memory": "Bit Memory",
    "bit_xor": "Bit XOR",
    "listops": "ListOps",
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "cifar10_lra": "CIFAR-10 LRA",
    "remote_homology": "Remote Homology",
}
ALL_TASKS = tuple(HEADINGS)


class Published(NamedTuple):
    """A printed value, where it was read and a note on it."""

    value: float
    source: str
    note: str


@functools.cache
def published() -> dict[tuple[str, str, str, str], Published]:
    """All values of `published.csv`."""
    with open(HERE / "published.csv") as file:
        return {
            (line["table"], line["row"], line["task"], line["unit"]): Published(
                float(line["value"]), line["source"], line["note"]
            )
            for line in csv.DictReader(file)
        }


def published_of(
    table: Table, row: Row, task: str, unit: str
) -> Published | None:
    """The published value of a cell, if there is one."""
    if row.ratio:
        unit = "ratio"
    where = row.same_as or (table.name, row.name)
    return published().get((*where, task, unit))
