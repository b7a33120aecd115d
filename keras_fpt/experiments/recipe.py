"""Recipes and scales: how long, in what batches and at which rates to train."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.experiment import Options
from keras_fpt.experiments.experiment import options
from keras_fpt.experiments.rows import Row

# Rothermel et al.'s range, in half decades.
SWEEP = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Training settings of a task: steps, batch size, evaluations.

    Args:
        steps: int. Training steps.
        evaluate_every: int. Steps between evaluations on the validation set.
        batch_size: int.
        num_validation: int or `None`. Validation examples of an evaluation.
            Defaults to `None`, all of them.
        task_options: tuple of pairs. Arguments of the task. Defaults to `()`.
        patience: int or `None`. As of `Experiment`. Defaults to `None`.
    """

    steps: int
    evaluate_every: int
    batch_size: int
    num_validation: int | None = None
    task_options: Options = ()
    patience: int | None = None


@dataclasses.dataclass(frozen=True)
class Scale:
    """Recipes of the tasks, and which models stand for those that rows name.

    A scale changes sizes, never the protocol: data splits, optimizer,
    clipping, dropout, what is trained, how validation and test are read stay
    the same.

    Args:
        name: string.
        recipes: `Recipe`, or mapping from names of tasks to `Recipe`. Tasks
            without one are not run.
        presets: mapping from presets that rows name to those used here, or
            `None` for the same ones. Rows of missing ones are not run.
            Defaults to `None`.
        layers: mapping from numbers of layers that rows name to those used
            here, or `None` for the same ones. Defaults to `None`.
        sizes: mapping from models to arguments that they get here. Defaults
            to none.
        learning_rate: float. Defaults to `1e-3`, the paper's.
        learning_rates: mapping from models or tasks to other rates. Defaults
            to none.
        sweep: sequence of floats. Rates that a row chooses from when rates
            are swept. Defaults to Rothermel et al.'s nine.
    """

    name: str
    recipes: Mapping[str, Recipe] | Recipe
    presets: Mapping[str, str] | None = None
    layers: Mapping[int, int] | None = None
    sizes: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    learning_rate: float = 1e-3
    learning_rates: Mapping[str, float] = dataclasses.field(
        default_factory=dict
    )
    sweep: Sequence[float] = SWEEP

    def __post_init__(self) -> None:
        if len(set(self.sweep)) < 2:
            raise ValueError(
                "A sweep needs at least two learning rates. Received: "
                f"sweep={tuple(self.sweep)}"
            )

    def experiment(
        self,
        row: Row,
        task: Any,
        seed: int = 0,
        learning_rate: float | None = None,
    ) -> Experiment | None:
        """The experiment of a row; `None` if this scale has no such model.

        Args:
            row: `Row`. As it stands on this task.
            task: string or `keras_fpt.tasks.Task`.
            seed: int. Defaults to `0`.
            learning_rate: float or `None`. Defaults to `None`, this scale's.
        """
        name = task if isinstance(task, str) else task.name
        recipe = self._recipe(name)
        arguments = self._arguments(row)
        if recipe is None or arguments is None:
            return None
        model = row.model_name
        if learning_rate is None:
            learning_rate = self.learning_rates.get(
                name, self.learning_rates.get(model, self.learning_rate)
            )
        return Experiment(
            task=task,
            model=row.model,
            steps=recipe.steps,
            evaluate_every=recipe.evaluate_every,
            learning_rate=learning_rate,
            scale=self.name,
            task_options=options(
                **{**dict(recipe.task_options), **dict(row.task_options)}
            ),
            model_options=options(**arguments, **self.sizes.get(model, {})),
            batch_size=recipe.batch_size,
            num_validation=recipe.num_validation,
            patience=recipe.patience,
            seed=seed,
        )

    def _recipe(self, task: str) -> Recipe | None:
        if isinstance(self.recipes, Recipe):
            return self.recipes
        return self.recipes.get(task)

    def _arguments(self, row: Row) -> dict[str, Any] | None:
        """Options of the row's model at this scale."""
        arguments = dict(row.model_options)
        for name, there in (
            ("preset", self.presets),
            ("num_layers", self.layers),
        ):
            if there is None or name not in arguments:
                continue
            if arguments[name] not in there:
                return None
            arguments[name] = there[arguments[name]]
        return arguments
