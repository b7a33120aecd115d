"""Checks the values that go into a model: ids, padding masks, classes."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_ids(ids: np.ndarray, vocabulary_size: int, real: Any = None) -> None:
    """Refuses ids that no row of the embedding table belongs to.

    Args:
        ids: array of shape `(batch, num_tokens)`.
        vocabulary_size: int. Rows of the table.
        real: bool array of the same shape or `None`. Where a token is real;
            others do not matter. Defaults to `None`: everywhere.
    """
    if not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(
            "Token ids must be whole numbers. "
            f"Received dtype {ids.dtype}; cast with `.astype('int32')`"
        )
    least, most = ids.min(initial=0), ids.max(initial=0)
    if real is not None and (least < 0 or most >= vocabulary_size):
        ids = np.where(real, ids, 0)
        least, most = ids.min(initial=0), ids.max(initial=0)
    if least < 0 or most >= vocabulary_size:
        raise ValueError(
            f"Token ids must lie in 0..{vocabulary_size - 1}. "
            f"Received ids in {least}..{most}"
        )


def read_mask(
    mask: np.ndarray, shape: tuple[int, ...], least: int, first: bool
) -> np.ndarray:
    """The padding mask in bool, refused if it says nothing clear.

    Args:
        mask: array. 1 or `True` where a token is real, else 0 or `False`.
        shape: tuple of ints. Of the tokens: `(batch, num_tokens)`.
        least: int. How many real tokens each sequence needs.
        first: bool. Whether real tokens come first.
    """
    if mask.shape != shape:
        raise ValueError(
            "`padding_mask` has one entry a token: expected shape "
            f"{shape}. Received shape {mask.shape}"
        )
    real = mask
    if mask.dtype.kind != "b":
        other: Any = [f"dtype {mask.dtype}"]
        if mask.dtype.kind in "iuf":
            other = mask[(mask != 0) & (mask != 1)]
        if len(other):
            raise ValueError(
                "`padding_mask` is 1 or True where a token is real, 0 or False "
                f"elsewhere. Received: {other[0]}"
            )
        real = mask != 0
    if first and (real[:, 1:] > real[:, :-1]).any():
        raise ValueError(
            'readout="last_real" expects real tokens first, then padding: '
            "pad with `keras.utils.pad_sequences(..., padding='post')`. "
            "Received a `padding_mask` in which padding comes before a "
            "real token"
        )
    fewest = real.sum(axis=1).min(initial=shape[1])
    if fewest < least:
        what = f"The head reads the last {least} real tokens"
        raise ValueError(
            f"{what if first else 'Each sequence needs a real token'}. "
            f"Received a sequence with {fewest}: leave it out"
        )
    return real


def check_classes(
    y: np.ndarray, outputs: tuple[int, ...], ignored: int | None = None
) -> None:
    """Refuses what are no classes of the outputs.

    Args:
        y: array of shape `(batch, *outputs[:-1])`.
        outputs: tuple of ints. The last is the number of classes.
        ignored: int or `None`. A class that the loss leaves out. Defaults to
            `None`.
    """
    *read, num_classes = outputs
    shape = (*y.shape[:1], *read)
    if not y.ndim or y.shape not in (shape, (*shape, 1)):
        written = ", ".join(["batch", *map(str, read)])
        raise ValueError(
            f"Expected y of shape ({written}{',' * (not read)}), the number of "
            f"a class for each answer. Received shape {y.shape}"
        )
    if y.dtype.kind not in "biuf":
        raise ValueError(
            f"Classes are whole numbers. Received y of dtype {y.dtype}"
        )
    wrong = (y < 0) | (y >= num_classes)
    if y.dtype.kind == "f":
        wrong |= y != np.floor(y)  # NaN equals nothing
    if ignored is not None:
        wrong &= y != ignored
    if wrong.any():
        row = np.argwhere(wrong)[0][0]
        raise ValueError(
            f"Classes must be whole numbers in 0..{num_classes - 1}, as "
            f"`outputs` says. Received: {y[wrong][0]} at example {row}"
        )
