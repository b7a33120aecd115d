"""A table of the paper: rows, tasks, and the experiments of its cells."""

from __future__ import annotations

import csv
import dataclasses
import functools
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from experiment import Experiment
from experiment import Options
from experiment import options
from scales import Scale

ALL_TASKS = (
    *("bit_memory", "bit_xor", "listops", "mnist"),
    *("cifar10", "cifar10_lra", "remote_homology"),
)
HEADINGS = {
    "bit_memory": "Bit Memory",
    "bit_xor": "Bit XOR",
    "listops": "ListOps",
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "cifar10_lra": "CIFAR-10 LRA",
    "remote_homology": "Remote Homology",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A row in the paper's words, and the model that stands for it.

    Args:
        name: string. Letter by letter as in the paper.
        model: string or `None`. As of `Experiment`; `None` for a row that the
            paper quotes from elsewhere or that no model stands for.
        model_options: tuple of pairs. Arguments of the model.
        task_options: tuple of pairs. Arguments of the task that are this
            row's own.
        of_task: mapping from tasks to the row that stands there instead, or
            `None` where there is none.
        note: string. Why there is no model.
        ratio: pair of strings or `None`. Names of the rows whose values are
            divided, the first by the second, in place of a model.
        same_as: pair of strings or `None`. Table and row that have its
            published values, where its own table has none.
    """

    name: str
    model: str | None
    model_options: Options = ()
    task_options: Options = ()
    of_task: Mapping[str, Row | None] = dataclasses.field(default_factory=dict)
    note: str = ""
    ratio: tuple[str, str] | None = None
    same_as: tuple[str, str] | None = None

    def on(self, task: str) -> Row | None:
        row = self.of_task.get(task, self)
        return None if row is None or row.model is None else row


def fpt(
    name: str = "",
    of_task: Mapping[str, Row | None] | None = None,
    **arguments: Any,
) -> Row:
    """A frozen pretrained transformer, GPT-2 base if not said otherwise."""
    return Row(name, "fpt", options(**arguments), of_task=of_task or {})


def random(name: str = "", **arguments: Any) -> Row:
    """The same, frozen at random."""
    return fpt(name, initialization="random", **arguments)


def lstm(name: str, **arguments: Any) -> Row:
    """An LSTM baseline of the paper's."""
    return Row(name, "lstm", options(**arguments))


def quoted(name: str, note: str) -> Row:
    """A row without a model."""
    return Row(name, None, note=note)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of the paper.

    Args:
        number: string. As in `published.csv`: `"1"`, `"rothermel_1"`.
        title: string.
        rows: sequence of `Row`.
        tasks: sequence of strings. Its columns.
        units: sequence of strings. What is shown of each. Defaults to
            accuracy alone.
        sweep: bool. Whether its rows choose their learning rates, always.
            Defaults to `False`.
    """

    number: str
    title: str
    rows: Sequence[Row]
    tasks: Sequence[str] = ALL_TASKS
    units: Sequence[str] = ("accuracy_percent",)
    sweep: bool = False

    def experiment(
        self,
        row: Row,
        task: str,
        scale: Scale,
        seed: int,
        learning_rate: float | None = None,
    ) -> Experiment | None:
        """The experiment of a cell, or `None` if there is no such model."""
        chosen = row.on(task)
        if chosen is None or task not in scale.recipes:
            return None
        assert chosen.model is not None
        return scale.experiment(
            *(task, chosen.model, chosen.model_options),
            *(learning_rate, seed, chosen.task_options),
        )


@functools.cache
def published() -> dict[tuple[str, str, str, str], tuple[float, str, str]]:
    """Published values by table, row, task and unit: value, source, note."""
    with open(pathlib.Path(__file__).with_name("published.csv")) as file:
        return {
            (line["table"], line["row"], line["task"], line["unit"]): (
                float(line["value"]),
                line["source"],
                line["note"],
            )
            for line in csv.DictReader(file)
        }
