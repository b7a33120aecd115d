"""Checks the examples of a user's task when they are first read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fpt.checks import check_classes
from keras_fpt.checks import check_ids
from keras_fpt.checks import read_mask


def check_examples(
    task: Any, examples: Any, count: int, method: str, classes: bool
) -> None:
    """Refuses examples that do not fit what a task says of itself.

    Args:
        task: `keras_fpt.tasks.Task`.
        examples: what a method of it returned.
        count: int. How many examples were asked for.
        method: string. The method.
        classes: bool. Whether the answers are classes.
    """
    where = f"`{method}` of {type(task).__name__}"
    if not isinstance(examples, (tuple, list)) or len(examples) != 2:
        raise ValueError(
            f"{where} returns (x, y): write `return x, y`. Received: "
            f"{_kind(examples)}"
        )
    x, y = examples
    named = isinstance(x, Mapping)
    expected = {"tokens", "padding_mask"} if task.padding_mask else {"tokens"}
    if (named and set(x) != expected) or (task.padding_mask and not named):
        change = "False" if task.padding_mask else "True"
        raise ValueError(
            f"{where} gives x with {sorted(expected)}, as padding_mask="
            f"{task.padding_mask!r} says: return such a dict, or write "
            f"`padding_mask = {change}` in the class. Received: "
            f"{sorted(map(str, x)) if named else _kind(x)}"
        )
    tokens = np.asarray(x["tokens"] if named else x)
    y = np.asarray(y)
    if not tokens.ndim or not y.ndim or {len(tokens), len(y)} != {count}:
        raise ValueError(
            f"{where} gives x and y of {count} examples. Received shapes "
            f"{tokens.shape} and {y.shape}"
        )
    ids = isinstance(task.inputs, Mapping)
    length, *sizes = task.inputs.values() if ids else task.inputs
    shape: tuple[Any, ...] = (length,) if ids else (length, *sizes)
    fits = tokens.shape[2:] == shape[1:] and tokens.ndim == 1 + len(shape)
    longer = fits and tokens.shape[1] > length
    if not fits or longer or (not named and tokens.shape[1] != length):
        raise ValueError(
            f"{where} gives tokens of shape {(count, *shape)}, as inputs="
            f"{task.inputs!r} says. Received shape {tokens.shape}"
        )
    outputs = outputs_of(task)
    least = outputs[0] if len(outputs) > 1 else 1
    try:
        real = None
        if task.padding_mask:
            mask, first = np.asarray(x["padding_mask"]), task.readout
            real = read_mask(
                mask, tokens.shape[:2], least, first == "last_real"
            )
        if ids:
            check_ids(tokens, task.inputs["vocabulary_size"], real)
        if classes:
            check_classes(y, outputs)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def check_data(
    task: Any, split: str, data: Any, kind: Any, classes: bool
) -> None:
    """Refuses rows of a split that do not fit together.

    Args:
        task: `keras_fpt.tasks.DataTask`.
        split: string. Which split.
        data: what `load` returned.
        kind: the class `Data`.
        classes: bool. Whether the answers are classes.
    """
    where = f"`load({split!r})` of {type(task).__name__}"
    if not isinstance(data, kind):
        raise ValueError(
            f"{where} returns rows: write `return keras_fpt.tasks.Data(x, y)`. "
            f"Received: {_kind(data)}"
        )
    x, y, lengths = data.x, data.y, data.lengths
    for name, array in (("x", x), ("y", y)):
        if not hasattr(array, "shape") or not array.shape:
            raise ValueError(
                f"{where} gives arrays: write `{name} = np.array({name})`. "
                f"Received {name}: {_kind(array)}"
            )
    if len(x) != len(y) or not len(y):
        raise ValueError(
            f"{where} gives as many rows of x as of y, one at least. Received: "
            f"{len(x)} rows of x and {len(y)} of y"
        )
    if (lengths is not None) != bool(task.padding_mask):
        line = "`padding_mask = True` in the class"
        if task.padding_mask:
            line = "`return keras_fpt.tasks.Data(x, y, lengths)`"
        raise ValueError(
            f"{where} gives lengths where examples have a padding mask, and "
            f"only there: write {line}. Received: lengths "
            f"{'None' if lengths is None else _kind(lengths)} and padding_mask="
            f"{task.padding_mask!r}"
        )
    if lengths is not None:
        _check_lengths(task, where, data)
    if classes:
        try:
            check_classes(np.asarray(y), outputs_of(task))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None


def outputs_of(task: Any) -> tuple[int, ...]:
    """The outputs of a task, a number of classes alone as a tuple of one."""
    outputs = task.outputs
    return tuple(outputs) if hasattr(outputs, "__len__") else (outputs,)


def _check_lengths(task: Any, where: str, data: Any) -> None:
    x, lengths = data.x, np.asarray(data.lengths)
    if lengths.shape != (len(x),) or lengths.dtype.kind not in "iu":
        raise ValueError(
            f"{where} gives `lengths` as whole numbers, one a row: expected "
            f"shape ({len(x)},). Received: shape {lengths.shape} of "
            f"{lengths.dtype}"
        )
    outputs = outputs_of(task)
    least = outputs[0] if len(outputs) > 1 else 1
    wrong = np.flatnonzero((lengths < least) | (lengths > x.shape[1]))
    if len(wrong):
        raise ValueError(
            f"{where} gives `lengths` in {least}..{x.shape[1]}, the columns of "
            f"x: leave other rows out. Received: {lengths[wrong[0]]} at row "
            f"{wrong[0]}"
        )
    choices = task.padded_lengths
    whole = isinstance(choices, (tuple, list)) and all(
        isinstance(choice, (int, np.integer)) for choice in choices
    )
    if (
        not whole
        or list(choices) != sorted({*choices})
        or min(choices, default=1) < 1
    ):
        written = tuple(sorted({*choices})) if whole else (int(lengths.max()),)
        raise ValueError(
            "`padded_lengths` are the lengths that a batch may have, "
            f"ascending: write `padded_lengths = {written}` in "
            f"{type(task).__name__}. Received: {choices!r}"
        )
    if lengths.max() > max(choices, default=0):
        raise ValueError(
            "`padded_lengths` holds the lengths that a batch may have, the "
            f"last for the longest row. Received: {choices} "
            f"for rows of up to {lengths.max()} tokens"
        )


def _kind(value: Any) -> str:
    """What a value is, in a few words."""
    if hasattr(value, "shape"):
        return f"an array of shape {tuple(value.shape)}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return type(value).__name__
