"""Runs several steps in one dispatch on JAX.

Keras 3.15 dispatches the steps of `steps_per_execution` one by one on JAX, and
with each of them some 80 to 320 arrays. `lax.scan` sends them once a block.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

State = tuple[Any, ...]
# From a state and a batch to logs and the next state, as `train_step` does.
Step = Callable[[State, Any], tuple[Any, State]]


def scan(step: Step, kept: Sequence[bool]) -> Step:
    """Makes a function that does a step with each batch of a block.

    Args:
        step: callable from a state and a batch to logs and the next state. A
            state is `(trained, others, ...)`, lists of arrays.
        kept: sequence of bools. For each array of `others`, whether no step
            changes it, as none changes a frozen kernel.

    Returns:
        Callable from a state and a block of batches, whose arrays have one
        more axis in front, to the logs of the last step and the next state.
        The arrays that change are given up, as Keras gives up those of a step.
    """
    import jax

    def merge(frozen: Sequence[Any], own: Sequence[Any]) -> list[Any]:
        left, right = iter(frozen), iter(own)
        return [next(left) if same else next(right) for same in kept]

    def pick(others: Sequence[Any], same: bool) -> list[Any]:
        return [v for v, flag in zip(others, kept, strict=True) if flag == same]

    def block(carry: State, frozen: list[Any], batches: Any) -> Any:
        def one(carry: State, batch: Any) -> Any:
            trained, own, *rest = carry
            logs, (trained, others, *rest) = step(
                (trained, merge(frozen, own), *rest), batch
            )
            return (trained, pick(others, False), *rest), logs

        carry, logs = jax.lax.scan(one, carry, batches)
        return jax.tree.map(lambda each: each[-1], logs), carry

    whole = jax.jit(block, donate_argnums=0)

    def run(state: State, batches: Any) -> tuple[Any, State]:
        trained, others, *rest = state
        frozen = pick(others, True)
        logs, (trained, own, *rest) = whole(
            (trained, pick(others, False), *rest), frozen, batches
        )
        return logs, (trained, merge(frozen, own), *rest)

    return run


def stack(batches: Sequence[Any]) -> Any:
    """A block of batches, or `None` if their shapes differ."""
    import jax

    first = _shapes(batches[0])
    if any(_shapes(batch) != first for batch in batches[1:]):
        return None
    return jax.tree.map(_stack, *batches)


class Blocks:
    """`train_function` or `test_function` of a model, as Keras calls them.

    A whole block of batches of one shape goes through in one dispatch; of what
    is left at the end of an epoch, or differs in shape, each step by itself.

    Args:
        step: callable. The model's `train_step` or `test_step`.
        kept: sequence of bools. As of `scan`.
        size: int. Steps of a block.

    Call arguments:
        state: tuple of lists of arrays, Keras' own of the model.
        iterator: iterator over batches.
    """

    def __init__(self, step: Step, kept: Sequence[bool], size: int) -> None:
        import jax

        self.size = size
        self._single = jax.jit(step, donate_argnums=0)
        self._block = scan(step, kept)

    def __call__(
        self, state: State, iterator: Iterator[Any]
    ) -> tuple[Any, State]:
        batches = list(itertools.islice(iterator, self.size))
        if not batches:
            raise StopIteration  # ends the epoch, for Keras
        if len(batches) == self.size > 1:
            block = stack(batches)
            if block is not None:
                return self._block(state, block)
        for batch in batches:
            logs, state = self._single(state, batch)
        return logs, state


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`jax.jit`, which is imported when the function is first called."""

    @functools.cache
    def make() -> Any:
        import jax

        return jax.jit(function)

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        return make()(*args)

    return call


def kept(model: keras.Model) -> list[bool]:
    """For each variable that does not train, whether no step changes it."""
    frozen = {id(variable) for variable in model.non_trainable_weights}
    return [id(v) in frozen for v in model.non_trainable_variables]


def serve(model: Any) -> bool:
    """Whether blocks are what a model's `steps_per_execution` asks for."""
    return (
        keras.backend.backend() == "jax"
        and model.steps_per_execution > 1
        and model.jit_compile
        and not model.run_eagerly
        # Keras spreads a batch over devices, one step at a time.
        and keras.distribution.distribution() is None
    )


def _shapes(batch: Any) -> Any:
    import jax

    leaves, structure = jax.tree.flatten(batch)
    return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]


def _stack(*arrays: Any) -> Any:
    if all(isinstance(array, np.ndarray) for array in arrays):
        return np.stack(arrays)
    # On a device already: they do not come back for this.
    return keras.ops.stack(arrays)
