"""A table: rows, tasks, and the experiments of its cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.recipe import Scale
from keras_fpt.experiments.rows import Row


class Cell(NamedTuple):
    """A row on a task, and its experiment at one seed and rate, if any."""

    row: Row
    task: str
    experiment: Experiment | None


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows on tasks.

    Args:
        name: string. A number of the paper's (`"1"`), or a name.
        title: string.
        rows: sequence of `Row`.
        tasks: sequence of strings or `keras_fpt.tasks.Task`. Its columns.
        units: sequence of strings. What is shown of each task:
            `"accuracy_percent"`, `"train_accuracy_percent"`,
            `"gradient_steps"` or `"score"`, the task's own metric. Defaults
            to the accuracy.
        sweep: bool. Whether its rows choose their learning rates, always.
            Defaults to `False`.

    Raises:
        ValueError: if two rows or two tasks have one name.
    """

    name: str
    title: str
    rows: Sequence[Row]
    tasks: Sequence[Any]
    units: Sequence[str] = ("accuracy_percent",)
    sweep: bool = False

    def __post_init__(self) -> None:
        for what, names in (
            ("row", [row.name for row in self.rows]),
            ("task", self.task_names),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(
                    f"Each {what} of a table needs a name of its own. "
                    f"Received twice: {twice}"
                )

    @property
    def task_names(self) -> list[str]:
        return [t if isinstance(t, str) else t.name for t in self.tasks]

    def experiment(
        self,
        row: Row,
        task: str,
        scale: Scale,
        seed: int = 0,
        learning_rate: float | None = None,
    ) -> Experiment | None:
        """The experiment of a cell, or `None` if there is no such model."""
        chosen = row.on(task)
        if chosen is None:
            return None
        source = self.tasks[self.task_names.index(task)]
        return scale.experiment(chosen, source, seed, learning_rate)

    def cells(
        self,
        scale: Scale,
        seeds: int,
        sweep: bool = False,
        rows: Sequence[str] | None = None,
        tasks: Sequence[str] | None = None,
    ) -> Iterator[Cell]:
        """Its cells seed by seed: the first seed of all comes first.

        Args:
            scale: `Scale`.
            seeds: int. From 0 on.
            sweep: bool. Whether each cell is run at each rate of the scale's
                sweep. Defaults to `False`.
            rows: sequence of strings or `None`. Names of rows. Defaults to
                `None`, all.
            tasks: sequence of strings or `None`. Defaults to `None`, all.
        """
        for seed in range(seeds):
            for row in self.rows:
                for task in self.task_names:
                    if (rows and row.name not in rows) or (
                        tasks and task not in tasks
                    ):
                        continue
                    for rate in scale.sweep if sweep else (None,):
                        experiment = self.experiment(
                            row, task, scale, seed, rate
                        )
                        yield Cell(row, task, experiment)
