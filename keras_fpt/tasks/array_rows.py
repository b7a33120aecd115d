"""Chooses rows of arrays: of each split, for statistics, for a batch."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fpt.tasks.splits import SPLITS
from keras_fpt.tasks.splits import first_rows
from keras_fpt.tasks.splits import split_rows

_ROWS = 4096  # of tokens that are in float64 at once


class ChosenRows:
    """Rows of an array, copied when they are asked for and not before."""

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        self.array, self.rows = array, rows
        self.shape = (len(rows), *array.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self.array[self.rows[rows]]


def choose_rows(
    sizes: Mapping[str, int],
    strata: np.ndarray | None,
    shares: tuple[float, float],
    seed: int,
    groups: np.ndarray | None,
    num_examples: int | None,
) -> dict[str, np.ndarray]:
    """The rows of each split, of its own arrays or of those of `"train"`.

    Args:
        sizes: mapping from the splits that were given, `"train"` among them,
            to their numbers of rows.
        strata: int array or `None`. Classes, as of `split_rows`.
        shares: pair of floats. As of `split_rows`.
        seed: int. As of `split_rows`.
        groups: int array or `None`. As of `split_rows`.
        num_examples: int or `None`. How many training examples are kept.

    Raises:
        ValueError: if there are not so many, or a class is not among them.
    """
    rows = {split: np.arange(size) for split, size in sizes.items()}
    if len(rows) < len(SPLITS):
        chosen = split_rows(strata, sizes["train"], shares, seed, groups)
        if len(rows) == 2:  # one of them was given: its share is trained on
            (given,) = set(rows) - {"train"}
            both = np.concatenate([chosen["train"], chosen[given]])
            chosen["train"] = np.sort(both)
        rows = {
            split: rows[split]
            if split in rows and split != "train"
            else chosen[split]
            for split in SPLITS
        }
    if num_examples is not None:
        if num_examples > len(rows["train"]):
            raise ValueError(
                f"There are {len(rows['train'])} training examples. "
                f"Received: num_examples={num_examples}"
            )
        rows["train"] = first_rows(strata, rows["train"], num_examples, seed)
    _check_learnable(strata, rows["train"])
    return rows


def token_statistics(
    tokens: np.ndarray, lengths: np.ndarray | None, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each number of a token, without padding.

    Args:
        tokens: array of shape `(examples, num_tokens, token_dim)`.
        lengths: int array of shape `(examples,)` or `None`.
        rows: int array. The examples that count.

    Raises:
        ValueError: if they are not in float32.
    """

    def sums(of: Callable[[np.ndarray], np.ndarray]) -> tuple[Any, int]:
        total, count = np.zeros(tokens.shape[2]), 0
        step = max(1, _ROWS // tokens.shape[1])
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            real = tokens[part].reshape(-1, tokens.shape[2])
            if lengths is not None:
                place = np.arange(tokens.shape[1])
                real = real[(place < lengths[part][:, None]).ravel()]
            total += of(real.astype("float64")).sum(0)
            count += len(real)
        return total, count

    # In float64: a variance is the small difference of large sums.
    total, count = sums(lambda part: part)
    mean = total / count
    variance = sums(lambda part: np.square(part - mean))[0] / count
    info = np.finfo("float32")
    vary = variance > 0
    if (
        (variance > info.max).any()
        or vary.any()
        and (variance[vary] < info.tiny).all()
    ):
        raise ValueError(
            "Numbers in `x` have a variance that is not in float32. Received: "
            f"{variance.max():.3g}; scale them, to about 1"
        )
    return mean.astype("float32"), variance.astype("float32")


def _check_learnable(strata: np.ndarray | None, rows: np.ndarray) -> None:
    """Refuses training rows that lack a class altogether.

    Args:
        strata: int array or `None`. Classes of all rows.
        rows: int array. Those that are trained on.
    """
    if strata is None:
        return
    lacking = np.setdiff1d(strata, strata[rows])
    if len(lacking):
        raise ValueError(
            "Training needs an example of each class. Received: none of class "
            f"number {lacking[0]} among {len(rows)} training examples; "
            "use more of them, other groups, or another split seed"
        )
