"""Restores the values of a model when a step fails on JAX.

Keras takes the values out of the variables while a compiled step has them,
and puts them back when `fit`, `evaluate` or `predict` ends. A batch that
cannot be made, or Ctrl-C, would leave a model without values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


@contextlib.contextmanager
def values_kept(model: Any) -> Iterator[None]:
    """Keeps the values of a model whatever happens meanwhile.

    Args:
        model: `keras.Model`.
    """
    if keras.backend.backend() != "jax":
        yield
        return
    variables = list(model.variables)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        if not optimizer.built:  # as `fit` does
            optimizer.build(model.trainable_variables)
        variables += optimizer.variables
    # References: a step that has run deletes them, and has newer ones.
    before = [(variable, variable.value) for variable in variables]
    try:
        yield
    except BaseException:
        model.jax_state_sync()
        for variable, value in before:
            if _is_lost(variable):
                variable.assign(value)
        for variable in model.metrics_variables:  # made meanwhile
            if _is_lost(variable):
                variable.assign(keras.ops.zeros(variable.shape))
        raise


def _is_lost(variable: Any) -> bool:
    # Keras has no word for it: `value` draws a new one, or fails.
    return vars(variable).get("_value") is None
