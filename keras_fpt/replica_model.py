"""A Keras model that holds the stacked weights of all replicas, on JAX.

Keras' own `fit` trains it: a step of it is a step of each replica.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt import step_blocks

# The axis of the replicas in a stacked array.
_STACKED = 0


class ReplicaModel(keras.Model):
    """Steps of several models in one function.

    Args:
        models: sequence of compiled `FrozenModel`s of one structure.
        batch: tuple `(x, y, ...)`. A batch that one of them trains on.
    """

    def __init__(self, models: Sequence[Any], batch: Any) -> None:
        super().__init__()
        first = models[0]
        _make_metrics(first, batch)
        for model in models:
            model.optimizer.build(model.trainable_variables)
        frozen = {id(v) for v in first.non_trainable_weights}
        others = _together(model.non_trainable_variables for model in models)
        # Where dropout stands is each one's, even where it is still equal.
        axes = [
            None if id(each[0]) in frozen and _all_equal(each) else _STACKED
            for each in others
        ]
        trained = _together(model.trainable_variables for model in models)
        optimizers = _together(model.optimizer.variables for model in models)
        sources = [*trained, *optimizers]
        own = [_stacked(each) for each in sources]
        stacked_others = []
        for each, axis in zip(others, axes, strict=True):
            # What all share is read from the first model, and not copied.
            variable = each[0] if axis is None else _stacked(each)
            stacked_others.append(variable)
            if axis is not None:
                sources.append(each)
                own.append(variable)
        # Keras follows the variables and layers that its models hold: in a
        # namespace they are not followed.
        self.own = types.SimpleNamespace(
            first=first,
            axes=axes,
            trained=own[: len(trained)],
            optimizers=own[len(trained) : len(trained) + len(optimizers)],
            others=stacked_others,
            metrics=[
                _stacked([variable] * len(models))
                for variable in first.metrics_variables
            ],
            sources=sources,
            stacked=own,
        )
        self.functions: dict[Any, step_blocks.Blocks] = {}
        # Whether a batch holds one for each replica, stacked.
        self.own_data = False
        self.built = True
        # Each replica has its own optimizer: this one has nothing to do.
        self.compile(
            keras.optimizers.SGD(),
            steps_per_execution=first.steps_per_execution,
        )

    def read(self) -> None:
        """Takes the values of the models."""
        values = [[v.value for v in each] for each in self.own.sources]
        for variable, value in zip(
            self.own.stacked, _stack_all(values), strict=True
        ):
            variable.assign(value)

    def write_back(self) -> None:
        """Gives each model its values."""
        values = _unstack_all([v.value for v in self.own.stacked])
        for variables, each in zip(self.own.sources, values, strict=True):
            for variable, value in zip(variables, each, strict=True):
                variable.assign(value)

    @property
    def trainable_variables(self) -> list[Any]:
        return self.own.trained

    @property
    def non_trainable_variables(self) -> list[Any]:
        return [*self.own.others, *self.own.optimizers]

    @property
    def metrics_variables(self) -> list[Any]:
        return self.own.metrics

    def reset_metrics(self) -> None:
        first = self.own.first
        first.reset_metrics()
        for stacked, variable in zip(
            self.own.metrics, first.metrics_variables, strict=True
        ):
            stacked.assign(
                keras.ops.broadcast_to(variable.value, stacked.shape)
            )

    def get_metrics_result(self) -> dict[str, Any]:
        # Those of the last step's logs count.
        return {}

    def train_step(self, state: Any, data: Any) -> Any:
        import jax

        trained, rest, unused, metrics = state
        count = len(self.own.axes)
        axes = (_STACKED, self.own.axes, _STACKED, _STACKED)
        step = jax.vmap(
            self.own.first.train_step,
            in_axes=(axes, _STACKED if self.own_data else None),
            out_axes=(_STACKED, axes),
        )
        logs, (trained, others, optimizers, metrics) = step(
            (trained, rest[:count], rest[count:], metrics), data
        )
        return logs, (trained, [*others, *optimizers], unused, metrics)

    def test_step(self, state: Any, data: Any) -> Any:
        import jax

        trained, rest, metrics = state
        count = len(self.own.axes)
        axes = (_STACKED, self.own.axes, _STACKED)
        step = jax.vmap(
            self.own.first.test_step,
            in_axes=(axes, _STACKED if self.own_data else None),
            out_axes=(_STACKED, axes),
        )
        logs, (trained, others, metrics) = step(
            (trained, rest[:count], metrics), data
        )
        return logs, (trained, [*others, *rest[count:]], metrics)

    def make_train_function(self, force: bool = False) -> None:
        self.train_function = self._function("train", self.train_step)

    def make_test_function(self, force: bool = False) -> None:
        self.test_function = self._function("test", self.test_step)

    def _function(self, kind: str, step: Any) -> step_blocks.Blocks:
        key = kind, self.own_data
        if key not in self.functions:
            kept = [axis is None for axis in self.own.axes]
            kept += [False for _ in self.own.optimizers]
            self.functions[key] = step_blocks.Blocks(
                step, kept, self.steps_per_execution
            )
        return self.functions[key]


def _make_metrics(model: Any, batch: Any) -> None:
    """Makes the variables of metrics, which are made at the first use."""
    x, y = keras.tree.map_structure(lambda array: array[:1], batch[:2])
    symbols = keras.tree.map_structure(
        lambda array: keras.KerasTensor(array.shape, array.dtype), x
    )
    output = model.compute_output_spec(symbols)
    # On zeros, as one step outside a function takes long to compile.
    model.compute_metrics(x, y, keras.ops.zeros(output.shape, output.dtype))
    model.reset_metrics()


def _all_equal(variables: Sequence[Any]) -> bool:
    first, *others = variables
    return all(
        variable is first or np.array_equal(variable.value, first.value)
        for variable in others
    )


def _together(variables: Any) -> list[tuple[Any, ...]]:
    """Lists of the models' variables as a list of each variable's."""
    return list(zip(*variables, strict=True))


def _stacked(variables: Sequence[Any]) -> Any:
    shape = (len(variables), *variables[0].shape)
    return keras.Variable(
        keras.ops.zeros(shape, variables[0].dtype), name=variables[0].name
    )


# In one dispatch each: there may be hundreds of lists.
@step_blocks.compiled
def _stack_all(values: list[list[Any]]) -> list[Any]:
    return [keras.ops.stack(each) for each in values]


@step_blocks.compiled
def _unstack_all(values: list[Any]) -> list[Any]:
    return [keras.ops.unstack(each) for each in values]
