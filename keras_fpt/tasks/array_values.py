"""Reads the arrays of a user as NumPy's, of one kind of value."""

from __future__ import annotations

import hashlib
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np


def as_array(value: Any, name: str) -> np.ndarray:
    """An array, list or tensor as an array of NumPy's.

    Args:
        value: array, list, or tensor of any backend.
        name: string. What errors call it.

    Raises:
        ValueError: if its rows differ in shape, or it is masked.
    """
    if hasattr(value, "detach"):  # a tensor of PyTorch, under any backend
        value = value.detach().cpu()
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(
            f"`{name}` is a masked array of NumPy, whose masked numbers would "
            "count: fill them in by `.filled(...)`"
        )
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        if "inhomogeneous" not in str(error):
            raise ValueError(
                f"Expected `{name}` to be an array. Received: "
                f"{type(value).__name__}, of which NumPy says: {error}"
            ) from None
        raise ValueError(
            f"Expected rows of one shape in `{name}`. Received: a "
            f"{type(value).__name__} of {len(value)} rows that differ"
        ) from None


def plain_values(array: np.ndarray, name: str, what: str) -> np.ndarray:
    """Python's objects and bytes as an array of numbers or strings.

    Args:
        array: array.
        name: string. What errors call it.
        what: string. What one value is, such as `"an answer"`.

    Raises:
        ValueError: if one is missing, or they are of several kinds.
    """
    if array.dtype.kind in "fc":
        missing = np.isnan(array)
    elif array.dtype.kind == "O":
        values = array.ravel().tolist()
        lost = [value is None or _is_nan(value) for value in values]
        missing = np.array(lost, bool).reshape(array.shape)
    else:
        missing = np.zeros(1, bool)
    if missing.any():
        row = np.argwhere(np.atleast_1d(missing))[0][0]
        raise ValueError(
            f"`{name}` lacks {what} (it holds NaN or None), first at example "
            f"{row}: leave these examples out"
        )
    if array.dtype.kind == "O":
        array = _of_objects(array, values, name)
    if array.dtype.kind == "S":
        try:
            array = np.char.decode(array, "utf-8")
        except UnicodeDecodeError:
            raise ValueError(
                f"Expected `{name}` to be numbers or strings. Received bytes "
                "that are no UTF-8"
            ) from None
    return array.astype(str) if array.dtype.kind == "T" else array


def hash_of(arrays: Iterable[np.ndarray | None]) -> str:
    """A hash of values, types and shapes, the same on any machine."""
    digest = hashlib.sha256()
    for array in arrays:
        if array is None:
            digest.update(b"none")
            continue
        little = array.dtype.newbyteorder("<")
        digest.update(f"{little.str}{array.shape}".encode())
        content = np.ascontiguousarray(array.astype(little, copy=False))
        digest.update(content.view("uint8").data)
    return digest.hexdigest()[:16]


def _is_nan(value: Any) -> bool:
    """Whether it is NaN, NaT, or pandas' NA, which equals nothing."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _of_objects(array: np.ndarray, values: list[Any], name: str) -> np.ndarray:
    for kind, dtype in (
        (str, "str"),
        (bytes, "bytes"),
        ((bool, np.bool_), "bool"),
        (numbers.Integral, "int64"),
        (numbers.Real, "float64"),
    ):
        if all(isinstance(value, kind) for value in values):
            try:
                return array.astype(dtype)
            except OverflowError:
                raise ValueError(
                    f"`{name}` holds whole numbers past 2**63"
                ) from None
    found = sorted({type(value).__name__ for value in values})
    raise ValueError(
        f"Expected `{name}` to be numbers, or strings, and not both. "
        f"Received: {', '.join(found)}"
    )
