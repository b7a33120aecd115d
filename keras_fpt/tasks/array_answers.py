"""Checks the answers of a user, and brings them into one form."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from keras_fpt.tasks.array_values import as_array
from keras_fpt.tasks.array_values import plain_values

# So few different floats, all of them whole, are probably classes.
_FEW_FLOATS = 20


def read_answers(y: Any, num_examples: int, name: str = "y") -> np.ndarray:
    """Answers as an array of ids, of floats, or of strings.

    Raises:
        ValueError: if there is not one for each example, or one is missing.
    """
    y = as_array(y, name)
    if not y.ndim or len(y) != num_examples:
        raise ValueError(
            f"Expected one answer in `{name}` for each of {num_examples} "
            f"examples. Received shape {y.shape}"
        )
    if y.ndim > 2 or not y.size:
        raise ValueError(
            f"Expected `{name}` of shape (examples,) or (examples, k). "
            f"Received shape {y.shape}"
        )
    y = plain_values(y, name, "an answer")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind == "f":
        return _floats(y, name)
    if y.dtype.kind == "b":
        return y.astype("int32")
    if y.dtype.kind in "iu":
        return _classes(y, name)
    if y.dtype.kind != "U":
        raise ValueError(
            f"Expected `{name}` to be whole numbers, floats or strings. "
            f"Received dtype {y.dtype}"
        )
    return y


def is_one_hot(y: np.ndarray) -> bool:
    """Whether each row is zeros and a one."""
    ones = (y == 1).sum(1)
    return y.shape[1] > 1 and bool(
        (ones == 1).all() and (y != 0).sum() == len(y)
    )


def check_one_hot(y: np.ndarray, name: str = "y") -> None:
    """Refuses classes that are written as rows of zeros and a one."""
    if is_one_hot(y):
        raise ValueError(
            f"`{name}` holds classes as rows of zeros and a one: pass their "
            "numbers, `y.argmax(axis=-1)`"
        )


def _floats(y: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        floats = y.astype("float32")
    bad = np.flatnonzero(~np.isfinite(floats.reshape(len(y), -1)).all(1))
    if len(bad):
        raise ValueError(
            f"`{name}` holds NaN or infinite numbers in float32, first at "
            f"example {bad[0]}: scale it, or leave these examples out"
        )
    if y.ndim == 2:
        check_one_hot(y, name)
    elif not (y % 1).any() and len(np.unique(y)) <= _FEW_FLOATS:
        warnings.warn(
            f"`{name}` holds floats, all of them whole: it is read as numbers "
            "to predict. For classes, pass `y.astype(int)`",
            stacklevel=2,
        )
    return floats


def _classes(y: np.ndarray, name: str) -> np.ndarray:
    rows = y.reshape(len(y), -1)
    for wrong in (rows.min(1) < 0, rows.max(1) > np.iinfo("int32").max):
        if wrong.any():
            row = np.flatnonzero(wrong)[0]
            raise ValueError(
                f"Classes in `{name}` are whole numbers from 0, none left out. "
                f"Received: {y[row]} at example {row}"
            )
    return y.astype("int32")
