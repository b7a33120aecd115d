"""Gradient checkpointing of a block, on every backend, with its dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def remat(
    block: Any, function: Callable[[Any, Any], Any], x: Any, context: Any
) -> Any:
    """Computes `function(x, context)`, and once more in the backward pass.

    `keras.remat` alone is not enough: a dropout inside draws from a seed that
    changes with each draw, so that the second pass would drop other units
    (TensorFlow), or let a value out of its trace (JAX). Here both passes read
    the seeds as they were before the first, which hands out what they are
    after it. They read the weights that way, too, since a scope of its own
    would hide those that a training step on JAX brings.

    Args:
        block: the layer whose variables and seeds `function` uses.
        function: callable of two arguments.
        x: Tensor. Hidden vectors.
        context: Tensor or `None`. What the blocks share may be trained: its
            gradient is computed like that of `x`.
    """
    seeds = [generator.state for generator in _seed_generators(block)]
    # A copy: TensorFlow reads a variable when its value is used.
    before = [seed.value * 1 for seed in seeds]
    known = {id(seed) for seed in seeds}
    variables = [v for v in block.variables if id(v) not in known]
    trained = context is not None and keras.backend.is_float_dtype(
        keras.backend.standardize_dtype(context.dtype)
    )

    def compute(x: Any, *values: Any) -> Any:
        given, values = (
            (values[0], values[1:]) if trained else (context, values)
        )
        mapping = [
            *zip(variables, values, strict=True),
            *zip(seeds, before, strict=True),
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            x = function(x, given)
            return x, [scope.get_current_value(seed) for seed in seeds]

    arguments = [context] if trained else []
    arguments += [variable.value for variable in variables]
    x, after = keras.remat(compute)(x, *arguments)
    for seed, value in zip(seeds, after, strict=True):
        seed.assign(value)
    return x


def _seed_generators(block: Any) -> list[Any]:
    layers = block._flatten_layers()
    return [seed for layer in layers for seed in layer._seed_generators]
