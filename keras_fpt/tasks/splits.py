"""Splits examples into training, validation and test: stratified, by groups."""

from __future__ import annotations

from typing import Any

import numpy as np

SPLITS = ("train", "validation", "test")


def split_rows(
    strata: np.ndarray | None,
    num_rows: int,
    shares: tuple[float, float],
    seed: int,
    groups: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Chooses the rows of each split.

    Args:
        strata: int array of shape `(rows,)` or `None`. Classes: each split has
            them in the same shares, as far as whole rows allow.
        num_rows: int.
        shares: pair of floats. Shares of validation and test.
        seed: int. Another seed is another split.
        groups: int array of shape `(rows,)` or `None`. Rows of one group go
            into one split.

    Returns:
        Dict from the names of the splits to ascending row numbers.

    Raises:
        ValueError: if a class has fewer rows than there are splits, or there
            are fewer groups.
    """
    rng = np.random.default_rng((seed, 3))
    if groups is not None:
        chosen = _split_groups(strata, groups, shares, rng)
    else:
        classes = np.zeros(num_rows, int) if strata is None else strata
        chosen = np.zeros(num_rows, int)
        for label in np.unique(classes):
            rows = rng.permutation(np.flatnonzero(classes == label))
            counts = _counts(len(rows), shares)
            if min(counts) < 1:
                what = "" if strata is None else f" of class {label}"
                raise ValueError(
                    "Each of training, validation and test needs one example "
                    f"of each class at least. Received: {len(rows)} examples"
                    f"{what}; add some, or pass `validation=` and `test=`"
                )
            chosen[rows] = np.repeat([0, 1, 2], counts)
    return {s: np.flatnonzero(chosen == i) for i, s in enumerate(SPLITS)}


def first_rows(
    strata: np.ndarray | None, rows: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """The first `count` of rows: fewer are among more, classes in turn.

    One of each class comes before any other.

    Args:
        strata: int array or `None`. Classes of all rows.
        rows: int array. Those to choose from.
        count: int.
        seed: int.
    """
    rng = np.random.default_rng((seed, 4))
    order = rng.permutation(rows)
    if strata is not None:
        # The i-th row of its class, in units of the size of the class.
        place = np.empty(len(order))
        for label in np.unique(strata[order]):
            mine = strata[order] == label
            place[mine] = (np.arange(mine.sum()) + rng.random()) / mine.sum()
            place[np.argmax(mine)] -= 1
        order = order[np.argsort(place, kind="stable")]
    return np.sort(order[:count])


def _counts(num_rows: int, shares: tuple[float, float]) -> list[int]:
    held_out = [max(1, round(share * num_rows)) for share in shares]
    return [num_rows - sum(held_out), *held_out]


def _split_groups(
    strata: np.ndarray | None,
    groups: np.ndarray,
    shares: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """The split of each row; a group goes where it is missed most."""
    classes = np.zeros(len(groups), int) if strata is None else strata
    _, classes = np.unique(classes, return_inverse=True)
    names, members = np.unique(groups, return_inverse=True)
    if len(names) < len(SPLITS):
        raise ValueError(
            "Training, validation and test need a group each. Received: "
            f"{len(names)} groups"
        )
    table = np.zeros((len(names), classes.max() + 1))
    np.add.at(table, (members, classes), 1)
    total = np.array([1 - sum(shares), *shares])[:, None] * table.sum(0)
    missing = total.copy()  # (splits, classes)
    order = rng.permutation(len(names))
    # Large groups first: small ones fill what is left.
    order = order[np.argsort(-table[order].sum(1), kind="stable")]
    chosen = np.empty(len(names), int)
    for place, group in enumerate(order):
        empty = [s for s in range(3) if s not in chosen[order[:place]]]
        if len(order) - place <= len(empty):
            split = empty[0]
        else:
            weight = table[group] / total.sum(0).clip(1e-9)
            split = int(np.argmax((missing / total.clip(1e-9)) @ weight))
        chosen[group] = split
        missing[split] -= table[group]
    return chosen[members]


def check_split(split: Any) -> None:
    """Refuses what names no split."""
    if split not in SPLITS:
        raise ValueError(
            f"`split` must be one of {SPLITS}. Received: split={split!r}"
        )


def check_shares(shares: tuple[Any, Any]) -> tuple[float, float]:
    """Shares as floats, refused if they leave nothing to train on."""
    for name, share in zip(("validation", "test"), shares, strict=True):
        number = isinstance(share, (int, float, np.floating))
        if not number or isinstance(share, bool) or not 0 < share < 1:
            raise ValueError(
                f"`{name}_share` lies between 0 and 1. Received: "
                f"{name}_share={share!r}"
            )
    validation, test = shares
    if validation + test >= 1:
        raise ValueError(
            "Validation and test leave nothing to train on. Received: shares "
            f"of {validation} and {test}"
        )
    return float(validation), float(test)
