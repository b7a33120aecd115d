"""Brings the parts of a user's arrays, train and others, into one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fpt.tasks.array_answers import check_one_hot
from keras_fpt.tasks.array_answers import read_answers
from keras_fpt.tasks.array_checks import read_tokens
from keras_fpt.tasks.data_task import Data

# Few lengths, as each is compiled once on JAX and TensorFlow. Most sequences
# are short, and only one in twenty is padded to the longest.
LENGTH_SHARES = (0.4, 0.75, 0.95, 1.0)
Parts = dict[str, Data]


def read_part(pair: Any, split: str = "") -> Data:
    """Tokens, answers and lengths of a pair `(x, y)`.

    Args:
        pair: tuple of x and y.
        split: string. What errors call it. Defaults to `""`, the main pair.

    Raises:
        ValueError: if it is no pair, or x or y do not fit.
    """
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        count = f" of {len(pair)}" if isinstance(pair, (tuple, list)) else ""
        raise ValueError(
            f"`{split}` is a pair (x, y). Received: {type(pair).__name__}"
            f"{count}"
        )
    of = f" of {split}" if split else ""
    tokens, lengths = read_tokens(pair[0], f"x{of}")
    return Data(tokens, read_answers(pair[1], len(tokens), f"y{of}"), lengths)


def read_parts(parts: Mapping[str, Data]) -> tuple[Parts, Any, Any]:
    """Classes as numbers from 0, or numbers to predict as `(rows, outputs)`.

    Args:
        parts: mapping from splits, `"train"` among them, to `Data`.

    Returns:
        The parts, the names of the classes or `None`, and the `outputs` of a
        model.

    Raises:
        ValueError: if the parts differ in kind, or training examples lack a
            class.
    """
    answers = {split: part.y for split, part in parts.items()}
    kinds = {y.dtype.kind for y in answers.values()}
    widths = {y.shape[1:] for y in answers.values()}
    if len(kinds) > 1 or len(widths) > 1:
        found = {s: (y.dtype.str, y.shape) for s, y in answers.items()}
        raise ValueError(
            "Expected answers of one kind in all splits. Received: "
            + str(found)
        )
    ((*width,),) = widths
    if kinds == {"f"}:
        numbers = {
            split: Data(part.x, part.y.reshape(len(part), -1), part.lengths)
            for split, part in parts.items()
        }
        return numbers, None, width[0] if width else 1
    for split, part in parts.items():
        # A one for each example may also be a place among all tokens.
        short = width and width[0] != part.x.shape[1]
        if short and part.y.dtype.kind == "i":
            check_one_hot(part.y, "y" if split == "train" else f"y of {split}")
    known = np.unique(answers["train"])
    names = _class_names(known, answers)
    classes = {
        split: Data(part.x, _place(part.y, known, split), part.lengths)
        for split, part in parts.items()
    }
    return classes, names, (width[0], len(names)) if width else len(names)


def _class_names(
    known: np.ndarray, answers: Mapping[str, np.ndarray]
) -> tuple[str, ...]:
    if known.dtype.kind in "US":
        names = tuple(known.tolist())
    else:
        num_classes = int(max(y.max() for y in answers.values())) + 1
        if len(known) < num_classes:
            place = np.arange(len(known))
            first = np.flatnonzero(known != place)[:1].tolist()
            raise ValueError(
                "Classes are whole numbers from 0, each of them in the "
                "training examples. Received: none of class "
                f"{(first or [len(known)])[0]}; number them by "
                "`np.unique(y, return_inverse=True)[1]`"
            )
        names = tuple(map(str, range(num_classes)))
    if len(names) < 2:
        raise ValueError(
            f"Expected two classes at least. Received: {names[0]!r} only"
        )
    return names


def _place(y: np.ndarray, known: np.ndarray, split: str) -> np.ndarray:
    """Numbers of the classes, refused if training examples lack one."""
    place = np.searchsorted(known, y).clip(max=len(known) - 1)
    wrong = (known[place] != y).reshape(len(y), -1).any(1)
    if wrong.any():
        row = np.flatnonzero(wrong)[0]
        raise ValueError(
            f"Example {row} of {split} has a class that the training examples "
            f"lack: {np.setdiff1d(y[row], known).tolist()[0]!r}"
        )
    return place.astype("int32")


def pad_parts(parts: Mapping[str, Data]) -> tuple[Parts, tuple[int, ...]]:
    """Sequences of several lengths in arrays of one length.

    Returns:
        The parts, and the lengths that a batch may have: none if all
        sequences have one length.
    """
    shapes = {part.x.shape[2:] for part in parts.values()}
    if len(shapes) > 1:
        raise ValueError(
            "Expected tokens of one size in all splits. Received shapes "
            f"{[part.x.shape for part in parts.values()]}"
        )
    longest = max(part.x.shape[1] for part in parts.values())
    padded = {}
    for split, part in parts.items():
        size = part.x.shape[1]
        lengths = part.lengths
        if lengths is None:
            lengths = np.full(len(part), size)
        free = [(0, 0), (0, longest - size), (0, 0)][: part.x.ndim]
        x = np.pad(part.x, free) if size < longest else part.x
        padded[split] = Data(x, part.y, lengths)
    if all(part.lengths is None for part in parts.values()) and (
        len({part.x.shape[1] for part in parts.values()}) == 1
    ):
        return dict(parts), ()
    every = np.concatenate([part.lengths for part in padded.values()])
    cuts = sorted({int(np.ceil(c)) for c in np.quantile(every, LENGTH_SHARES)})
    return padded, (*cuts[:-1], longest)


def check_readable(parts: Mapping[str, Data], least: int) -> None:
    """Refuses sequences that are shorter than what is read of them."""
    for split, part in parts.items():
        lengths, row = part.lengths, 0
        shortest = part.x.shape[1]
        if lengths is not None:
            row = int(lengths.argmin())
            shortest = lengths[row]
        if shortest < least:
            raise ValueError(
                f"`y` has answers at the last {least} tokens. Received: "
                f"{shortest} tokens at example {row} of {split}"
            )
