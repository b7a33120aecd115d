"""One run of a cell: all that its result follows from, and a name for it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

# Raised when what a task gives, or a row computes, changes: records of before
# no longer count.
TASK_VERSIONS = {
    "bit_memory": 1,
    "bit_xor": 1,
    "listops": 1,
    "mnist": 1,
    "cifar10": 1,
    "cifar10_lra": 1,
    "remote_homology": 1,
}
MODEL_VERSIONS = {"fpt": 1, "transformer": 1, "lstm": 1, "cnn": 1}
Options = tuple[tuple[str, Any], ...]


def options(**arguments: Any) -> Options:
    """Arguments in the one order that experiments keep them in."""
    return tuple(sorted(arguments.items()))


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A model on a task, trained by a recipe from a seed.

    Equal experiments have equal keys on any machine.

    Args:
        task: string. A name that `keras_fpt.tasks.get` knows.
        model: string. `"fpt"`, `"transformer"`, `"lstm"` or `"cnn"`.
        steps: int. Training steps, at most.
        evaluate_every: int. Steps between looks at the validation set.
        learning_rate: float.
        scale: string. The scale that the sizes are of.
        task_options: tuple of pairs. Arguments of the task. Defaults to `()`.
        model_options: tuple of pairs. Arguments of the model. Defaults to
            `()`.
        batch_size: int. Defaults to `4`, the original code's.
        num_validation: int or `None`. How many validation examples are looked
            at. Defaults to `None`, all of them.
        patience: int or `None`. Looks without a better one after which
            training stops. Defaults to `None`: it does not.
        seed: int. Of data order, what is drawn, and dropout. Defaults to `0`.
    """

    task: str
    model: str
    steps: int
    evaluate_every: int
    learning_rate: float
    scale: str
    task_options: Options = ()
    model_options: Options = ()
    batch_size: int = 4
    num_validation: int | None = None
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (
            ("task", TASK_VERSIONS),
            ("model", MODEL_VERSIONS),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"`{name}` must be one of {tuple(known)}. "
                    f"Received: {name}={getattr(self, name)!r}"
                )
        for name in ("task_options", "model_options"):
            # A file gives lists back.
            pairs = tuple(sorted(map(_pair, getattr(self, name))))
            object.__setattr__(self, name, pairs)

    @property
    def versions(self) -> dict[str, int]:
        return {
            "task": TASK_VERSIONS[self.task],
            "model": MODEL_VERSIONS[self.model],
        }

    @property
    def key(self) -> str:
        """A name that follows from the experiment and its versions alone."""
        config = {"experiment": self.config(), "versions": self.versions}
        written = json.dumps(config, sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    def config(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Experiment:
        return cls(**config)

    def with_(self, **changes: Any) -> Experiment:
        """The same experiment, save for these fields."""
        return dataclasses.replace(self, **changes)

    def __str__(self) -> str:
        written = ", ".join(f"{k}={v}" for k, v in self.model_options)
        return (
            f"{self.task}: {self.model}({written}), learning rate "
            f"{self.learning_rate:g}, seed {self.seed}"
        )


def _pair(pair: Any) -> tuple[str, Any]:
    name, value = pair
    return name, tuple(value) if isinstance(value, list) else value
