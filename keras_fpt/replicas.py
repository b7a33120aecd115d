"""Many runs on one frozen trunk for little more than the price of one."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt.frozen_model import FrozenModel
from keras_fpt.sizes import whole_number

History = list[dict[str, list[float]]]


class Replicas:
    """Trains models that share their frozen values together, on JAX.

    Seeds, learning rates and tasks' samples may differ. Frozen values that are
    equal in all are read once, others, such as those of trunks drawn from
    several seeds, for each. Each replica trains as it would alone: from its own
    initial values, with its own optimizer, dropout and norm of its gradients.
    One whose loss is no longer a number does not touch the others.

    Args:
        models: sequence of compiled `FrozenPretrainedTransformer`s, or of one
            baseline, of one structure: they differ in values and learning
            rates alone. `model.sibling` makes them cheaply. They are the
            result, too: after `fit`, each is trained.

    Raises:
        ValueError: if their variables differ in path or shape, they share
            trained ones, or the backend is not JAX.

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
        frozen = {id(v) for v in self.models[0].non_trainable_weights}
        # Where dropout stands is each one's, even where it is still equal.
        self._axes = [
            None if id(each[0]) in frozen and _all_equal(each) else 0
            for each in self._others()
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
        one = data[0] if isinstance(data, (list, tuple)) else data
        self.models[0].warn_of_numbers(one)
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
        expected = _signature(self.models[0])
        seen: set[int] = set()
        for model in self.models:
            if getattr(model, "optimizer", None) is None:
                raise ValueError(
                    f"Expected compiled models. Received: {model.name!r}, "
                    "which is not"
                )
            own = _signature(model)
            if own != expected:
                raise ValueError(
                    "Replicas are of one structure and train the same "
                    "variables. Received: "
                    f"{sorted(set(own) ^ set(expected))[:1]} of one alone"
                )
            if seen & {id(v) for v in model.trainable_variables}:
                raise ValueError("Expected each model once")
            seen |= {id(v) for v in model.trainable_variables}

    def _count(self, data: Any, steps: int | None) -> int:
        one = data[0] if isinstance(data, (list, tuple)) else data
        if steps is not None:
            whole_number("steps_per_epoch", steps)
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
            batch = data[position]
            self.models[0].check_batch(*batch[:2])
            return batch
        if len(data) != len(self.models):
            raise ValueError(
                f"Expected one data set, or {len(self.models)}. Received: "
                f"{len(data)}"
            )
        batches = [one[position] for one in data]
        for model, batch in zip(self.models, batches, strict=True):
            model.check_batch(*batch[:2])
        return keras.tree.map_structure(lambda *each: np.stack(each), *batches)

    def _state(self, data: Any, position: int, optimizer: bool) -> Any:
        """Values of all models, each variable's in one array."""
        batch = self._batch(data, position)
        if isinstance(data, (list, tuple)):
            batch = keras.tree.map_structure(lambda array: array[0], batch)
        x, y = keras.tree.map_structure(lambda array: array[:1], batch)
        # Metrics are made when they are first used: one model has them for
        # all. On zeros, as one step alone takes long to compile.
        symbols = keras.tree.map_structure(
            lambda array: keras.KerasTensor(array.shape, array.dtype), x
        )
        output = self.models[0].compute_output_spec(symbols)
        zeros = keras.ops.zeros(output.shape, output.dtype)
        self.models[0].compute_metrics(x, y, zeros)
        for model in self.models:
            model.optimizer.build(model.trainable_variables)
        others = [
            each[0].value if axis is None else _stacked(each)
            for axis, each in zip(self._axes, self._others(), strict=True)
        ]
        trained = [_stacked(each) for each in self._trained()]
        metrics = self._metrics_of_none()
        if not optimizer:
            return trained, others, metrics
        steps = [_stacked(each) for each in self._optimizers()]
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

    def _trained(self) -> list[tuple[Any, ...]]:
        """Trained variables, each in all models."""
        return _together(model.trainable_variables for model in self.models)

    def _optimizers(self) -> list[tuple[Any, ...]]:
        return _together(model.optimizer.variables for model in self.models)

    def _others(self) -> list[tuple[Any, ...]]:
        """Variables that are not trained, each in all models."""
        return _together(model.non_trainable_variables for model in self.models)

    def _assign(self, state: Any) -> None:
        import jax

        trained, others, steps, _ = state
        pairs = [
            *zip(self._trained(), trained, strict=True),
            *zip(self._optimizers(), steps, strict=True),
            *(
                (variables, values)
                for axis, variables, values in zip(
                    self._axes, self._others(), others, strict=True
                )
                if axis is not None
            ),
        ]
        for variables, values in pairs:
            each = jax.numpy.unstack(values)
            for variable, value in zip(variables, each, strict=True):
                variable.assign(value)


def _signature(model: Any) -> list[tuple[str, tuple[int, ...], bool]]:
    return [
        (variable.path, tuple(variable.shape), trained)
        for variables, trained in (
            (model.trainable_variables, True),
            (model.non_trainable_weights, False),
        )
        for variable in variables
    ]


def _all_equal(variables: Sequence[Any]) -> bool:
    first, *others = variables
    return all(
        variable is first or np.array_equal(variable.value, first.value)
        for variable in others
    )


def _together(variables: Any) -> list[tuple[Any, ...]]:
    return list(zip(*variables, strict=True))


def _stacked(variables: Any) -> Any:
    return keras.ops.stack([variable.value for variable in variables])
