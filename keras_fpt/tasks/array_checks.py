"""Checks the arrays of a user, and brings them into one form."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np


def read_tokens(x: Any, name: str = "x") -> tuple[np.ndarray, Any]:
    """Tokens as one array, and the length of each sequence.

    Args:
        x: array of shape `(examples, num_tokens, token_dim)`, or of ids of
            shape `(examples, num_tokens)`; dict of `"tokens"` and
            `"padding_mask"`; or a list of arrays of several lengths.
        name: string. What errors call it. Defaults to `"x"`.

    Returns:
        Array of float32 or int32, padded by zeros, and an int array of shape
        `(examples,)`, or `None` if all sequences have the same length.

    Raises:
        ValueError: if it is none of these, or holds NaN, infinite numbers,
            negative ids or empty sequences.
    """
    if isinstance(x, Mapping):
        if set(x) != {"tokens", "padding_mask"}:
            raise ValueError(
                f"Expected `{name}` to hold 'tokens' and 'padding_mask'. "
                f"Received: {sorted(map(str, x))}"
            )
        tokens = _numbers(np.asarray(x["tokens"]), name)
        lengths = _lengths(np.asarray(x["padding_mask"]), tokens, name)
    elif _is_ragged(x):
        tokens, lengths = _pad(x, name)
    else:
        tokens, lengths = _numbers(np.asarray(x), name), None
    if not len(tokens) or 0 in tokens.shape:
        raise ValueError(f"`{name}` is empty. Received shape {tokens.shape}")
    real = slice(None) if lengths is None else _mask(lengths, tokens)
    _check_finite(tokens, real, name)
    return tokens, lengths


def read_groups(groups: Any, num_examples: int) -> np.ndarray | None:
    """The group of each example as a whole number."""
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape != (num_examples,):
        raise ValueError(
            f"Expected one group for each of {num_examples} examples. Received "
            f"shape {groups.shape}"
        )
    return np.unique(groups, return_inverse=True)[1]


def token_statistics(
    tokens: np.ndarray, lengths: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each number of a token, without padding.

    Args:
        tokens: array of shape `(examples, num_tokens, token_dim)`.
        lengths: int array of shape `(examples,)` or `None`.
    """
    real = tokens.reshape(-1, tokens.shape[-1])
    if lengths is not None:
        real = tokens[_mask(lengths, tokens)]
    # In float64: a variance is the small difference of large sums.
    return real.mean(0, dtype="float64"), real.var(0, dtype="float64")


def read_answers(y: Any, num_examples: int, name: str = "y") -> np.ndarray:
    """Answers as an array of ids, of floats, or of strings.

    Raises:
        ValueError: if there is not one for each example, or one is missing.
    """
    y = np.asarray(y)
    if y.dtype == object:
        kinds = {type(value) for value in y.ravel().tolist()}
        if kinds != {str}:
            raise ValueError(
                f"Expected `{name}` to be numbers or strings. Received: "
                f"{sorted(kind.__name__ for kind in kinds)}"
            )
        y = y.astype(str)
    if not y.ndim or len(y) != num_examples:
        raise ValueError(
            f"Expected one answer in `{name}` for each of {num_examples} "
            f"examples. Received shape {y.shape}"
        )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim > 2 or not y.size:
        raise ValueError(
            f"Expected `{name}` of shape (examples,) or (examples, k). "
            f"Received shape {y.shape}"
        )
    if np.issubdtype(y.dtype, np.floating):
        bad = np.flatnonzero(~np.isfinite(y.reshape(len(y), -1)).all(1))
        if len(bad):
            raise ValueError(
                f"`{name}` holds NaN or infinite numbers, first at example "
                f"{bad[0]}: leave these examples out"
            )
        if y.ndim == 2 and _is_one_hot(y):
            raise ValueError(
                f"`{name}` holds classes as rows of zeros and a one: pass "
                "their numbers, `y.argmax(axis=-1)`"
            )
        return y.astype("float32")
    if np.issubdtype(y.dtype, np.bool_):
        return y.astype("int32")
    if np.issubdtype(y.dtype, np.integer):
        if y.min() < 0:
            row = np.flatnonzero((y.reshape(len(y), -1) < 0).any(1))[0]
            raise ValueError(
                f"Classes in `{name}` are whole numbers from 0. Received: "
                f"{y[row]} at example {row}"
            )
        return y.astype("int32")
    if y.dtype.kind not in "US":
        raise ValueError(
            f"Expected `{name}` to be whole numbers, floats or strings. "
            f"Received dtype {y.dtype}"
        )
    return y


def _is_one_hot(y: np.ndarray) -> bool:
    ones = (y == 1).sum(1)
    return y.shape[1] > 1 and bool(
        (ones == 1).all() and (y != 0).sum() == len(y)
    )


def _is_ragged(x: Any) -> bool:
    """Whether it is a list of arrays, or an array of them."""
    several = isinstance(x, Sequence) or getattr(x, "dtype", "") == "O"
    return several and len({np.shape(each)[:1] for each in x}) > 1


def _numbers(array: np.ndarray, name: str) -> np.ndarray:
    """Tokens that are vectors as float32, ids as int32."""
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"Expected `{name}` to hold numbers. Received dtype {array.dtype}"
        )
    if array.ndim not in (2, 3):
        raise ValueError(
            f"Expected `{name}` of shape (examples, num_tokens, token_dim), or "
            "(examples, num_tokens) for ids. Received shape "
            f"{array.shape}; one number a token is `x[..., None]`"
        )
    if array.ndim == 3:
        with np.errstate(over="ignore"):
            return array.astype("float32", copy=False)
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"Expected ids in `{name}` to be whole numbers. Received dtype "
            f"{array.dtype}; one number a token is `x[..., None]`"
        )
    return array.astype("int32", copy=False)


def _pad(x: Sequence[Any], name: str) -> tuple[np.ndarray, np.ndarray]:
    arrays = [np.asarray(each) for each in x]
    shapes = {(array.ndim, *array.shape[1:]) for array in arrays}
    if len(shapes) > 1 or arrays[0].ndim not in (1, 2):
        first = next(
            i
            for i, a in enumerate(arrays)
            if a.shape[1:] != arrays[0].shape[1:] or a.ndim not in (1, 2)
        )
        raise ValueError(
            f"Expected each sequence of `{name}` to have shape (length, "
            "token_dim), or (length,) for ids, with one token_dim. Received "
            f"shape {arrays[first].shape} at example {first}, "
            f"{arrays[0].shape} at example 0"
        )
    lengths = np.array([len(array) for array in arrays])
    if not lengths.all():
        raise ValueError(
            f"Sequence {np.flatnonzero(lengths == 0)[0]} of `{name}` is empty: "
            "leave it out"
        )
    shape = (len(arrays), lengths.max(), *arrays[0].shape[1:])
    padded = np.zeros(shape, np.result_type(*{a.dtype for a in arrays}))
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return _numbers(padded, name), lengths


def _lengths(mask: np.ndarray, tokens: np.ndarray, name: str) -> np.ndarray:
    """Lengths of sequences whose real tokens come first."""
    if mask.shape != tokens.shape[:2]:
        raise ValueError(
            f"The padding mask of `{name}` has one entry a token: expected "
            f"shape {tokens.shape[:2]}. Received shape {mask.shape}"
        )
    real = mask != 0
    lengths = real.sum(1)
    for bad, what in (
        (lengths == 0, "has no real token: leave it out"),
        (
            (real[:, 1:] > real[:, :-1]).any(1),
            "has padding before a real token: pad at the end",
        ),
    ):
        if bad.any():
            raise ValueError(
                f"Sequence {np.flatnonzero(bad)[0]} of `{name}` {what}"
            )
    return lengths


def _mask(lengths: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return np.arange(tokens.shape[1]) < lengths[:, None]


def _check_finite(tokens: np.ndarray, real: Any, name: str) -> None:
    if tokens.ndim == 2:
        if tokens[real].min() < 0:
            bad = np.flatnonzero((tokens < 0).any(1))[0]
            raise ValueError(
                f"Ids in `{name}` are whole numbers from 0. Received: "
                f"{tokens[bad].min()} at example {bad}"
            )
        return
    finite = np.isfinite(tokens).all(2)
    if isinstance(real, np.ndarray):
        finite |= ~real
    if not finite.all():
        bad = np.flatnonzero(~finite.all(1))[0]
        raise ValueError(
            f"`{name}` holds NaN or infinite numbers, first at example {bad}: "
            "fill them in or leave the example out"
        )
