"""Many runs on one frozen trunk for little more than the price of one."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt.checkpoints import frozen_hash
from keras_fpt.frozen_model import FrozenModel

History = list[dict[str, list[float]]]


class Replicas:
    """Trains models that share their frozen values together, on JAX.

    Seeds, learning rates and tasks' samples may differ; what is frozen is held
    and read once. Each replica trains as it would alone: from its own initial
    values, with its own optimizer, dropout and norm of its gradients. One
    whose loss is no longer a number does not touch the others.

    Args:
        models: sequence of compiled `FrozenPretrainedTransformer`s, or of one
            baseline, of one structure: they differ in values and learning
            rates alone. `model.sibling` makes them cheaply. They are the
            result, too: after `fit`, each is trained.

    Raises:
        ValueError: if they differ in more than that, share trained variables,
            or the backend is not JAX.

    Example:

    ```python
    task = keras_fpt.tasks.get("bit_xor")
    first = keras_fpt.FrozenPretrainedTransformer.from_preset(
        "gpt2_tiny_en", task=task
    )
    models = [first, *(first.sibling(task) for _ in range(3))]
    for model, rate in zip(models, (1e-4, 3e-4, 1e-3, 3e-3)):
        model.compile(**task.compile_args(rate))
    replicas = keras_fpt.Replicas(models)
    histories = replicas.fit(task.train_data(16), steps_per_epoch=100)
    replicas.evaluate(task.validation_data())  # a dict of each
    models[2].save_trained("bit_xor.safetensors")
    ```
    """

    def __init__(self, models: Sequence[FrozenModel]) -> None:
        if keras.backend.backend() != "jax":
            raise ValueError(
                "Replicas train together on JAX alone: expected KERAS_BACKEND="
                f"jax. Received: {keras.backend.backend()}; train the models "
                "one after the other"
            )
        self.models = list(models)
        self._check()
        self._steps: dict[Any, Callable[..., Any]] = {}
        # Frozen values are one for all; where dropout stands is each one's.
        frozen = {id(v) for v in self.models[0].non_trainable_weights}
        self._axes = [
            None if id(variable) in frozen else 0
            for variable in self.models[0].non_trainable_variables
        ]

    def fit(
        self,
        data: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        initial_step: int = 0,
    ) -> History:
        """Trains all replicas, on batches of one data set or of their own.

        Args:
            data: `keras.utils.PyDataset`, such as `task.train_data` gives, or
                a sequence of one for each replica, in batches of equal
                shapes.
            steps_per_epoch: int or `None`. Defaults to `None`, all batches;
                an endless data set needs it.
            epochs: int. Defaults to `1`.
            initial_step: int. The batch that the first step takes. Defaults
                to `0`.

        Returns:
            List of what `fit(...).history` is, for each replica.
        """
        steps = self._count(data, steps_per_epoch)
        state = self._state(data, initial_step, optimizer=True)
        histories: History = [{} for _ in self.models]
        for epoch in range(epochs):
            state = (*state[:3], self._metrics_of_none())
            begin = initial_step + epoch * steps
            for position in range(begin, begin + steps):
                logs, state = self._run("train", state, data, position)
            for name, values in logs.items():
                for history, value in zip(
                    histories, np.asarray(values), strict=True
                ):
                    history.setdefault(name, []).append(float(value))
        self._assign(state)
        return histories

    def evaluate(
        self, data: Any, steps: int | None = None
    ) -> list[dict[str, float]]:
        """What `model.evaluate(..., return_dict=True)` gives, of each replica.

        Args:
            data: as of `fit`.
            steps: int or `None`. Defaults to `None`, all batches.
        """
        steps = self._count(data, steps)
        trained, others, metrics = self._state(data, 0, optimizer=False)
        state = (trained, others, metrics)
        for position in range(steps):
            logs, state = self._run("test", state, data, position)
        return [
            {name: float(values[i]) for name, values in logs.items()}
            for i in range(len(self.models))
        ]

    def _check(self) -> None:
        if not self.models:
            raise ValueError("Expected at least one model. Received none")
        first = self.models[0]
        shapes = [(v.path, v.shape) for v in first.trainable_variables]
        frozen = frozen_hash(first.non_trainable_weights)
        seen: set[int] = set()
        for model in self.models:
            if getattr(model, "optimizer", None) is None:
                raise ValueError(
                    f"Expected compiled models. Received: {model.name!r}, "
                    "which is not"
                )
            own = [(v.path, v.shape) for v in model.trainable_variables]
            if own != shapes:
                raise ValueError(
                    "Replicas train the same variables. Received: "
                    f"{sorted(set(own) ^ set(shapes))[0]} of one alone"
                )
            if frozen_hash(model.non_trainable_weights) != frozen:
                raise ValueError(
                    "Replicas share their frozen values: expected siblings, or "
                    "models around one preset. Received: models of which the "
                    "frozen values differ, as those of trunks drawn from "
                    "several seeds do"
                )
            if seen & {id(v) for v in model.trainable_variables}:
                raise ValueError("Expected each model once")
            seen |= {id(v) for v in model.trainable_variables}

    def _count(self, data: Any, steps: int | None) -> int:
        one = data[0] if isinstance(data, (list, tuple)) else data
        steps = one.num_batches if steps is None else steps
        if steps is None:
            raise ValueError(
                f"{type(one).__name__} gives batches without end: pass "
                "`steps_per_epoch`"
            )
        capped = keras.config.max_steps_per_epoch()
        return steps if capped is None else min(steps, capped)

    def _batch(self, data: Any, position: int) -> Any:
        if not isinstance(data, (list, tuple)):
            return data[position]
        if len(data) != len(self.models):
            raise ValueError(
                f"Expected one data set, or {len(self.models)}. Received: "
                f"{len(data)}"
            )
        batches = [one[position] for one in data]
        return keras.tree.map_structure(lambda *each: np.stack(each), *batches)

    def _state(self, data: Any, position: int, optimizer: bool) -> Any:
        """Values of all models, each variable's in one array."""
        batch = self._batch(data, position)
        if isinstance(data, (list, tuple)):
            batch = keras.tree.map_structure(lambda array: array[0], batch)
        x, y = keras.tree.map_structure(lambda array: array[:1], batch)
        for model in self.models:  # metrics are made when they are first used
            model.test_on_batch(x, y)
            model.optimizer.build(model.trainable_variables)
        first = self.models[0].non_trainable_variables
        others = [
            first[i].value
            if axis is None
            else _stacked(m.non_trainable_variables[i] for m in self.models)
            for i, axis in enumerate(self._axes)
        ]
        trained = _all_stacked(m.trainable_variables for m in self.models)
        metrics = self._metrics_of_none()
        if not optimizer:
            return trained, others, metrics
        steps = _all_stacked(m.optimizer.variables for m in self.models)
        return trained, others, steps, metrics

    def _metrics_of_none(self) -> list[Any]:
        self.models[0].reset_metrics()
        variables = self.models[0].metrics_variables
        return [_stacked([v] * len(self.models)) for v in variables]

    def _run(self, kind: str, state: Any, data: Any, position: int) -> Any:
        own = isinstance(data, (list, tuple))
        key = (kind, own)
        if key not in self._steps:
            self._steps[key] = self._make(kind, own)
        return self._steps[key](state, self._batch(data, position))

    def _make(self, kind: str, own: bool) -> Callable[..., Any]:
        import jax

        model = self.models[0]
        axes = (0, self._axes, 0, 0)[: 4 if kind == "train" else 3]
        step = model.train_step if kind == "train" else model.test_step
        return jax.jit(
            jax.vmap(
                step, in_axes=(axes, 0 if own else None), out_axes=(0, axes)
            )
        )

    def _assign(self, state: Any) -> None:
        trained, others, steps, _ = state
        for r, model in enumerate(self.models):
            pairs = [
                *zip(model.trainable_variables, trained, strict=True),
                *zip(model.optimizer.variables, steps, strict=True),
                *(
                    (model.non_trainable_variables[i], others[i])
                    for i, axis in enumerate(self._axes)
                    if axis is not None
                ),
            ]
            for variable, values in pairs:
                variable.assign(values[r])


def _all_stacked(variables: Any) -> list[Any]:
    return [_stacked(each) for each in zip(*variables, strict=True)]


def _stacked(variables: Any) -> Any:
    return keras.ops.stack([variable.value for variable in variables])
