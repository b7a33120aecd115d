"""Samples ListOps expressions as token ids, and evaluates them."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

from keras_fpt.sizes import whole_number

# The place of a symbol is its id; the closing bracket comes last, so that a
# vocabulary without it is a shorter one.
SYMBOLS = ("padding", "MIN", "MAX", "MED", "SM", *"0123456789", "]")
MIN, MAX, MED, SM = 1, 2, 3, 4
ZERO = 5
END = 15

_OPERATOR_SHARE = 0.25
# Chosen by time: the arrays of a chunk stay near the processor.
_CHUNK = 4096
_IDLE_CHUNKS = 100


@dataclasses.dataclass(frozen=True)
class TreeSizes:
    """How large expressions are.

    An operator and its bracket count as two tokens, a digit as one.

    Args:
        min_length: int. Expressions are longer. Defaults to `500`.
        max_length: int. Expressions are shorter. Defaults to `2000`.
        max_depth: int. Nested levels, that of the digits included. Defaults
            to `10`.
        max_args: int. Most arguments of an operator; the least is two.
            Defaults to `10`.
    """

    min_length: int = 500
    max_length: int = 2000
    max_depth: int = 10
    max_args: int = 10

    def __post_init__(self) -> None:
        least = {"max_depth": 2, "max_args": 2}
        for name, value in vars(self).copy().items():
            number = whole_number(name, value, least.get(name, 1))
            object.__setattr__(self, name, number)  # an int, not NumPy's
        if self.max_length - self.min_length < 2:
            raise ValueError(
                "Expressions are longer than `min_length` and shorter than "
                "`max_length`: leave at least one length between them. "
                f"Received: {self}"
            )


def generate(
    num_expressions: int, sizes: TreeSizes, seed: int = 0
) -> dict[str, np.ndarray]:
    """Draws different expressions, as Long Range Arena's generator does.

    Args:
        num_expressions: int. How many.
        sizes: `TreeSizes`.
        seed: int. The result follows from the sizes and it. Defaults to `0`.

    Returns:
        Dict of `"tokens"`, uint8, all expressions one after another, and
        `"lengths"` and `"values"`, int32 of shape `(num_expressions,)`.

    Raises:
        ValueError: if there are too few different expressions.

    Example:

    ```python
    from keras_fpt.tasks import listops_trees

    sizes = listops_trees.TreeSizes(min_length=5, max_length=20)
    tokens = listops_trees.generate(3, sizes)["tokens"]
    print(*[listops_trees.SYMBOLS[token] for token in tokens])
    ```
    """
    seen: set[bytes] = set()
    chunks: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    number = last_useful = 0
    while len(seen) < num_expressions:
        rng = np.random.default_rng((seed, number))
        tokens, lengths = _draw(rng, sizes)
        new = _unseen(tokens, lengths, seen, num_expressions)
        if new.any():
            last_useful = number
            tokens, lengths = tokens[np.repeat(new, lengths)], lengths[new]
            chunks.append((tokens, lengths, evaluate(tokens)))
        elif number - last_useful >= _IDLE_CHUNKS:
            raise ValueError(
                f"Found {len(seen):,} different expressions of {sizes} where "
                f"{num_expressions:,} are needed: ask for fewer examples or "
                "allow more lengths"
            )
        number += 1
    tokens, lengths, values = map(np.concatenate, zip(*chunks, strict=True))
    return {"tokens": tokens, "lengths": lengths, "values": values}


def evaluate(tokens: np.ndarray) -> np.ndarray:
    """Computes the values of expressions.

    `MED` is the median, that of an even number of arguments rounded down;
    `SM` is the sum modulo 10.

    Args:
        tokens: uint8 array of shape `(num_tokens,)`. Whole expressions with
            closing brackets, one after another.

    Returns:
        int32 array of shape `(num_expressions,)`.

    Example:

    ```python
    from keras_fpt.tasks import listops_trees

    symbols = "MAX 4 SM 7 8 ] 3 ]".split()
    tokens = np.array([listops_trees.SYMBOLS.index(s) for s in symbols])
    assert listops_trees.evaluate(tokens) == [5]
    ```
    """
    is_operator = tokens < ZERO
    is_end = tokens == END
    steps = is_operator.view("int8") - is_end.view("int8")
    # Open brackets around a token; an operator does not count its own.
    depth = np.cumsum(steps, dtype="int32") - is_operator
    nodes = np.flatnonzero(~is_end)
    # Small whole numbers are sorted fastest.
    depth = depth[nodes].astype(np.min_scalar_type(depth.max(initial=0)))
    nodes = nodes[np.argsort(depth, kind="stable")]
    levels = np.split(nodes, np.cumsum(np.bincount(depth))[:-1])
    values = below = np.empty(0, "int32")
    for level in reversed(levels):
        symbols = tokens[level]
        operators = is_operator[level]
        arguments, values = values, symbols.astype("int32") - ZERO
        if len(arguments):
            # The first argument of an operator is the token that follows it.
            starts = np.flatnonzero(is_operator[below - 1])
            values[operators] = _apply(symbols[operators], arguments, starts)
        below = level
    return values


def _apply(
    operators: np.ndarray, arguments: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Values of operators on runs of arguments that begin at `starts`."""
    counts = np.diff(starts, append=len(arguments))
    values = np.empty(len(operators), "int32")
    for operator in np.unique(operators):
        mine = operators == operator
        runs = arguments[np.repeat(mine, counts)]
        length = counts[mine]
        start = np.cumsum(length) - length
        if operator == MIN:
            values[mine] = np.minimum.reduceat(runs, start)
        elif operator == MAX:
            values[mine] = np.maximum.reduceat(runs, start)
        elif operator == SM:
            values[mine] = np.add.reduceat(runs, start) % 10
        else:
            # Sorted by run, then by value.
            keys = np.repeat(np.arange(len(length)) * 10, length) + runs
            keys.sort()
            middle = keys[start + (length - 1) // 2] + keys[start + length // 2]
            values[mine] = middle // 2 % 10
    return values


def _draw(
    rng: np.random.Generator, sizes: TreeSizes
) -> tuple[np.ndarray, np.ndarray]:
    """Draws a chunk of trees and keeps those of a length that fits."""
    levels = _grow(rng, sizes)
    # From the leaves up: how many tokens the tree below a node takes.
    spans = [np.ones(len(levels[-1]), "int32")]
    for arity in levels[-2::-1]:
        span = np.ones(len(arity), "int32")
        inner = arity > 0
        starts = np.cumsum(arity[inner]) - arity[inner]
        span[inner] = 2 + np.add.reduceat(spans[-1], starts)
        spans.append(span)
    spans.reverse()
    lengths = spans[0]
    # Digits everywhere; then, from the root down, the others in their places.
    tokens = rng.integers(ZERO, END, lengths.sum(), "uint8")
    places = np.cumsum(lengths) - lengths
    for arity, span, below in zip(levels, spans, spans[1:], strict=False):
        inner = arity > 0
        places, arity = places[inner], arity[inner]
        tokens[places] = rng.integers(MIN, ZERO, len(places), "uint8")
        tokens[places + span[inner] - 1] = END
        before = np.cumsum(below) - below
        first = before[np.cumsum(arity) - arity]
        places = before + np.repeat(places + 1 - first, arity)
    return tokens, lengths


def _grow(rng: np.random.Generator, sizes: TreeSizes) -> list[np.ndarray]:
    """Draws the shapes of trees, level by level.

    A level is the number of arguments of each of its nodes, 0 for a digit.
    The arguments of a node lie side by side on the next level.
    """
    # A root that is a digit has length 1, which never fits: none is drawn.
    tree = np.arange(_CHUNK)
    inner = np.ones(_CHUNK, bool)
    # A lower bound of the length, and in the end the length.
    length = np.ones(_CHUNK, "int64")
    levels = []
    for depth in range(1, sizes.max_depth + 1):
        if depth > 1:
            inner = rng.random(len(tree), dtype="float32") < _OPERATOR_SHARE
        if depth == sizes.max_depth:
            inner[:] = False
        arity = np.zeros(len(tree), "int32")
        num_args = rng.integers(2, sizes.max_args + 1, inner.sum(), "int32")
        arity[inner] = num_args
        # An operator adds its bracket, and at least one token an argument.
        np.add.at(length, tree[inner], num_args + 1)
        short = length[tree] < sizes.max_length
        tree, arity = tree[short], arity[short]
        levels.append((tree, arity))
        tree = np.repeat(tree, arity)
    fits = (length > sizes.min_length) & (length < sizes.max_length)
    return [arity[fits[tree]] for tree, arity in levels]


def _unseen(
    tokens: np.ndarray, lengths: np.ndarray, seen: set[bytes], enough: int
) -> np.ndarray:
    """Marks expressions that are not in `seen`, and puts them there."""
    new = np.zeros(len(lengths), bool)
    ends = np.cumsum(lengths)
    for row, (end, length) in enumerate(zip(ends, lengths, strict=True)):
        expression = tokens[end - length : end].tobytes()
        digest = hashlib.blake2b(expression, digest_size=16).digest()
        if digest not in seen and len(seen) < enough:
            seen.add(digest)
            new[row] = True
    return new
