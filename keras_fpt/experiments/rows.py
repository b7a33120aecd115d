"""Rows of a table: names, and the models that stand for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from keras_fpt.experiments.experiment import Options
from keras_fpt.experiments.experiment import options
from keras_fpt.experiments.models import Model

GPT2_BASE = "gpt2_base_en"  # the paper's trunk


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table, and the model that stands for it.

    Made by `Row.fpt`, `Row.random`, `Row.lstm`, `Row.baseline`,
    `Row.of_model` and `Row.quoted`.

    Args:
        name: string. As it is printed.
        model: string, `Model` or `None`. As of `Experiment`; `None` for a row
            that has no model.
        model_options: tuple of pairs. Arguments of the model. Defaults to
            `()`.
        task_options: tuple of pairs. Arguments of the task for this row only.
            Defaults to `()`.
        of_task: mapping from names of tasks to the row that stands there
            instead, or `None` where there is none. Defaults to none.
        note: string. Why there is no model. Defaults to `""`.
        ratio: pair of strings or `None`. Names of two rows: the value is the
            first divided by the second. Defaults to `None`.
        same_as: pair of strings or `None`. Table and row whose published
            values are shown, if its own table has none. Defaults to `None`.

    Example:

    ```python
    from keras_fpt.experiments import Row

    Row.fpt("Pretrained", preset="gpt2_tiny_en", finetune="fpt")
    Row.of_model("Mean", lambda task, seed: keras.Sequential(), version=1)
    ```
    """

    name: str
    model: str | Model | None
    model_options: Options = ()
    task_options: Options = ()
    of_task: Mapping[str, Row | None] = dataclasses.field(default_factory=dict)
    note: str = ""
    ratio: tuple[str, str] | None = None
    same_as: tuple[str, str] | None = None

    @classmethod
    def fpt(cls, name: str = "", **arguments: Any) -> Row:
        """A frozen pretrained transformer.

        Args:
            name: string. As it is printed. Defaults to `""`, for a row that
                stands in another one's place.
            **arguments: of `FrozenPretrainedTransformer.from_preset`;
                `preset` defaults to `"gpt2_base_en"`. And `of_task`,
                `task_options`, `same_as`, `note` of the row.
        """
        return cls._of("fpt", name, {"preset": GPT2_BASE, **arguments})

    @classmethod
    def random(cls, name: str = "", **arguments: Any) -> Row:
        """The same with random values, frozen."""
        return cls.fpt(name, initialization="random", **arguments)

    @classmethod
    def lstm(cls, name: str = "", **arguments: Any) -> Row:
        """An LSTM: arguments as of `keras_fpt.baselines.lstm`."""
        return cls._of("lstm", name, arguments)

    @classmethod
    def baseline(cls, name: str, model: str, **arguments: Any) -> Row:
        """Another baseline, by the name of its function."""
        return cls._of(model, name, arguments)

    @classmethod
    def of_model(
        cls,
        name: str,
        build: Callable[..., Any],
        version: int = 1,
        **arguments: Any,
    ) -> Row:
        """A model of your own.

        Args:
            name: string. As it is printed, and in the hash key of its runs.
            build: callable. Takes a task, `seed=` and `**arguments`; returns
                a Keras model that reads `task.inputs` and gives
                `task.outputs`, not compiled.
            version: int. Increase when the function changes: its older
                records are then ignored. Defaults to `1`.
            **arguments: options of the model, in the hash key.
        """
        return cls._of(Model(name, build, version), name, arguments)

    @classmethod
    def quoted(cls, name: str, note: str) -> Row:
        """A row without a model."""
        return cls(name, None, note=note)

    @classmethod
    def _of(cls, model: Any, name: str, arguments: Mapping[str, Any]) -> Row:
        arguments = dict(arguments)
        own = {
            field: arguments.pop(field)
            for field in ("of_task", "task_options", "same_as", "note")
            if field in arguments
        }
        return cls(name, model, options(**arguments), **own)

    @property
    def model_name(self) -> str:
        model = self.model
        return model.name if isinstance(model, Model) else str(model)

    def on(self, task: str) -> Row | None:
        """The row that stands here on a task, if it has a model."""
        row = self.of_task.get(task, self)
        return None if row is None or row.model is None else row
