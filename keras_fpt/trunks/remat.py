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
    (TensorFlow), or let a value out of its trace (JAX). Here the seeds are
    drawn outside, and both passes read them; so they do the weights, since a
    scope of its own would hide those that a training step on JAX brings.

    Args:
        block: the layer whose variables and seeds `function` uses.
        function: callable of two arguments.
        x: Tensor. Hidden vectors.
        context: Tensor or `None`.
    """
    seeds = [(g.state, g.next()) for g in _seed_generators(block)]
    states = {id(state) for state, _ in seeds}
    variables = [v for v in block.variables if id(v) not in states]

    def compute(x: Any, *values: Any) -> Any:
        mapping = [*zip(variables, values, strict=True), *seeds]
        with keras.StatelessScope(state_mapping=mapping):
            return function(x, context)

    return keras.remat(compute)(x, *(v.value for v in variables))


def _seed_generators(block: Any) -> list[Any]:
    layers = block._flatten_layers()
    return [seed for layer in layers for seed in layer._seed_generators]
