"""Checks the tokens and groups of a user, and brings them into one form."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_fpt.tasks.array_values import as_array
from keras_fpt.tasks.array_values import plain_values

_INT32 = np.iinfo("int32")
# Of an embedding table. The vocabularies of language models have 256,000.
_MANY_IDS = 1_000_000


def read_tokens(x: Any, name: str = "x") -> tuple[np.ndarray, Any]:
    """Tokens as one array, and the length of each sequence.

    An array that the caller can still write to is copied, others are not.

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
    given, mask = x, None
    if isinstance(x, Mapping):
        if set(x) != {"tokens", "padding_mask"}:
            raise ValueError(
                f"Expected `{name}` to hold 'tokens' and 'padding_mask'. "
                f"Received: {sorted(map(str, x))}"
            )
        given, mask = x["tokens"], x["padding_mask"]
    sequences = None if isinstance(x, Mapping) else _ragged(x, name)
    if sequences is not None:
        array, lengths = _pad(sequences, name)
    else:
        array, lengths = as_array(given, name), None
        _check_form(array, name)
    if isinstance(x, Mapping):
        lengths = _lengths(as_array(mask, name), array, name)
    if not len(array) or 0 in array.shape:
        raise ValueError(f"`{name}` is empty. Received shape {array.shape}")
    real = None if lengths is None else _mask(lengths, array)
    read = _vectors if array.ndim == 3 else _ids
    tokens = read(array, real, name)
    new = isinstance(given, (list, tuple)) or not array.flags.writeable
    if not new and np.may_share_memory(tokens, array):
        tokens = tokens.copy()
    return tokens, lengths


def read_groups(groups: Any, num_examples: int) -> np.ndarray | None:
    """The group of each example as a whole number."""
    if groups is None:
        return None
    groups = as_array(groups, "groups")
    if groups.shape != (num_examples,):
        raise ValueError(
            f"Expected one group for each of {num_examples} examples. Received "
            f"shape {groups.shape}"
        )
    groups = plain_values(groups, "groups", "a group")
    return np.unique(groups, return_inverse=True)[1]


def _ragged(x: Any, name: str) -> list[np.ndarray] | None:
    """Sequences of a list, or an array of arrays; `None` if x is an array."""
    objects = getattr(x, "dtype", None) == "O" and np.ndim(x) == 1
    if not objects and not isinstance(x, Sequence):
        return None
    lengths = {len(each) if hasattr(each, "__len__") else None for each in x}
    if not objects and len(lengths) < 2:
        return None
    return [as_array(each, name) for each in x]


def _check_form(array: np.ndarray, name: str) -> None:
    if array.dtype.kind == "O" and not array.ndim:
        raise ValueError(
            f"Expected `{name}` to be an array, a list of arrays, or a dict of "
            f"'tokens' and 'padding_mask'. Received: {type(array[()]).__name__}"
        )
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"Expected `{name}` to hold numbers. Received dtype {array.dtype}; "
            "cast with `.astype('float32')`, or to 'int32' if they are ids"
        )
    if array.ndim not in (2, 3):
        raise ValueError(
            f"Expected `{name}` of shape (examples, num_tokens, token_dim), or "
            "(examples, num_tokens) for ids. Received shape "
            f"{array.shape}; one number a token is `x[..., None]`"
        )
    if array.ndim == 2 and array.dtype.kind not in "iu":
        raise ValueError(
            f"Expected ids in `{name}` to be whole numbers. Received dtype "
            f"{array.dtype}; one number a token is `x[..., None]`"
        )


def _pad(arrays: list[np.ndarray], name: str) -> tuple[np.ndarray, Any]:
    for i, array in enumerate(arrays):
        if array.dtype.kind not in "fiub":
            raise ValueError(
                f"Expected `{name}` to hold numbers. Received "
                f"{array.dtype} at example {i}"
            )
        form = array.shape[1:]
        if form != arrays[0].shape[1:] or array.ndim not in (1, 2):
            raise ValueError(
                f"Expected each sequence of `{name}` to have shape (length, "
                "token_dim), or (length,) for ids, with one token_dim. "
                f"Received shape {array.shape} at example {i}, "
                f"{arrays[0].shape} at example 0"
            )
        if not len(array):
            raise ValueError(f"Sequence {i} of `{name}` is empty: leave it out")
    lengths = np.array([len(array) for array in arrays])
    # Vectors as they will be: there is one array of all tokens.
    kinds = {array.dtype for array in arrays}
    dtype = np.result_type(*kinds) if arrays[0].ndim == 1 else "float32"
    form = arrays[0].shape[1:]
    padded = np.zeros((len(arrays), lengths.max(), *form), dtype)
    with np.errstate(over="ignore"):
        for row, array in zip(padded, arrays, strict=True):
            row[: len(array)] = array
    _check_form(padded, name)
    return padded, lengths if len(set(lengths.tolist())) > 1 else None


def _lengths(mask: np.ndarray, tokens: np.ndarray, name: str) -> np.ndarray:
    """Lengths of sequences whose real tokens come first."""
    if mask.shape != tokens.shape[:2]:
        raise ValueError(
            f"The padding mask of `{name}` has one entry a token: expected "
            f"shape {tokens.shape[:2]}. Received shape {mask.shape}"
        )
    numbers = mask.dtype.kind in "biuf"
    real = mask == 1
    other = mask[~real & (mask != 0)] if numbers else [mask.dtype]
    if len(other):
        raise ValueError(
            f"The padding mask of `{name}` is 1 or True where a token is real, "
            f"0 or False elsewhere. Received: {other[0]}"
        )
    lengths = real.sum(1)
    for wrong, what in (
        (lengths == 0, "has no real token: leave it out"),
        (
            (real[:, 1:] > real[:, :-1]).any(1),
            "has padding before a real token: pad at the end",
        ),
    ):
        if wrong.any():
            raise ValueError(
                f"Sequence {np.flatnonzero(wrong)[0]} of `{name}` {what}"
            )
    return lengths


def _mask(lengths: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return np.arange(tokens.shape[1]) < lengths[:, None]


def _vectors(array: np.ndarray, real: Any, name: str) -> np.ndarray:
    """Vectors in float32, zeros where there is padding."""
    with np.errstate(over="ignore"):
        tokens = array.astype("float32", copy=False)
    if real is not None and tokens[~real].any():  # NaN is not zero, either
        tokens = np.where(real[:, :, None], tokens, np.float32(0))
    finite = np.isfinite(tokens).all((1, 2))
    if not finite.all():
        raise ValueError(
            f"`{name}` holds NaN or infinite numbers, first at example "
            f"{np.flatnonzero(~finite)[0]}: fill them in or leave the example "
            "out"
        )
    return tokens


def _ids(array: np.ndarray, real: Any, name: str) -> np.ndarray:
    """Ids in int32, zeros where there is padding."""
    if real is not None and array[~real].any():
        array = np.where(real, array, array.dtype.type(0))
    least, most = int(array.min()), int(array.max())
    if least < 0:
        bad = np.flatnonzero((array < 0).any(1))[0]
        raise ValueError(
            f"Ids in `{name}` are whole numbers from 0. Received: "
            f"{array[bad].min()} at example {bad}"
        )
    # A table with more rows than there are tokens: most are never trained.
    if most > _INT32.max or most >= max(_MANY_IDS, array.size):
        raise ValueError(
            f"Ids in `{name}` are rows of a table: expected ids from 0 on, "
            f"few of them left out. Received: {most}; number them by "
            "`np.unique(x, return_inverse=True)[1].reshape(x.shape)`"
        )
    return array.astype("int32", copy=False)
