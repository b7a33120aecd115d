"""Initial values of a trunk: random, redrawn from statistics, permuted.

NumPy draws, from the seed and the variable's path: the same seed gives the
same trunk on every backend, in any order of building.
"""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_fpt.backend import copy_of
from keras_fpt.finetuning import BLOCK_GROUPS
from keras_fpt.finetuning import group_of
from keras_fpt.seeds import SeededNormal
from keras_fpt.seeds import generator
from keras_fpt.trunks import Trunk

# Of a trunk; input layer and head are always drawn.
GROUPS = ("positions", "layernorm", "attention", "feed_forward")
Initialization = str | Mapping[str, str]


def initialize(
    trunk: Trunk, initialization: Initialization, seed: int | None
) -> int | None:
    """Draws the values of a trunk, and those of a position table added to it.

    A trunk from a config or a sibling is `adapted` and has its values.

    Args:
        trunk: a `Trunk`, with the pretrained values if they matter. Changed
            in place.
        initialization: string or dict. As `check_initialization` takes it.
        seed: int or `None`. The seed of the draw. `None` takes one from
            Keras' global seed where something is drawn.

    Returns:
        The seed.

    Raises:
        ValueError: if the dict names a group that this trunk lacks; if
            values matter that were never loaded.
    """
    if initialization != "pretrained":
        seed = _seed(seed)
    if not trunk.adapted:
        if initialization != "random":
            trunk.check_loaded()
        for name, variables in _chosen(trunk, initialization):
            INITIALIZATIONS[name](trunk, variables, seed or 0)
        trunk.settle_token_std(fresh=initialization == "random")
    if trunk.token_std is not None:
        seed = _seed(seed)
        if trunk.position_embedding is not None and not trunk.adapted:
            (table,) = trunk.position_embedding.weights
            _draw(table, seed, trunk.token_std, 0.0)
    return seed


def check_initialization(initialization: Any) -> None:
    """Refuses what is neither the name of an initialization nor a dict of them.

    Args:
        initialization: string, a name in `INITIALIZATIONS`; or dict from
            groups of a trunk to such names.
    """
    if not isinstance(initialization, Mapping):
        _check_name(initialization, initialization)
        return
    unknown = sorted(set(map(str, initialization)) - set(GROUPS))
    if unknown or not initialization:
        raise ValueError(
            f"`initialization` as a dict names groups of a trunk: {GROUPS}. "
            f"Received: initialization={dict(initialization)!r}"
        )
    for group, name in initialization.items():
        _check_name(name, dict(initialization))
        if name == "shuffled_blocks" and group not in BLOCK_GROUPS:
            raise ValueError(
                f"The group {group!r} has no blocks to shuffle: expected "
                f"another initialization. Received: "
                f"initialization={dict(initialization)!r}"
            )


def _check_name(name: Any, initialization: Any) -> None:
    if not isinstance(name, str) or name not in INITIALIZATIONS:
        raise ValueError(
            f"`initialization` must be one of {tuple(INITIALIZATIONS)}, or a "
            "dict from groups to these. "
            f"Received: initialization={initialization!r}"
        )


def input_bias(trunk: Trunk, seed: int | None) -> Any:
    """The initializer of the input layer's bias: zeros where that trains.

    Where neither positions nor biases of a trunk lift a token of zeros, it
    stays zero through all blocks, and each norm multiplies its gradient by
    1 / sqrt(epsilon), 300 to 1,000: the first step of a deep trunk is NaN.
    There, the bias is drawn at the size of a word.
    """
    if trunk.token_std is None or seed is None:
        return "zeros"
    return SeededNormal(trunk.token_std, seed, "input_projection/bias")


def _chosen(
    trunk: Trunk, initialization: Initialization
) -> Iterator[tuple[str, list[Any]]]:
    """Initializations, each with the variables that it draws."""
    if isinstance(initialization, str):
        yield initialization, list(trunk.weights)
        return
    by_group: dict[str, list[Any]] = {}
    for variable in trunk.weights:
        own = group_of(variable.path, trunk.finetune_rules)
        by_group.setdefault(own.name, []).append(variable)
    for group, name in initialization.items():
        if group not in by_group:
            raise ValueError(
                f"This trunk has no group {group!r} to initialize: expected "
                f"of {sorted(by_group)}. Received: "
                f"initialization={dict(initialization)!r}"
            )
        yield name, by_group[group]


def _keep(trunk: Trunk, variables: Sequence[Any], seed: int) -> None:
    """The pretrained values."""


def _draw_random(trunk: Trunk, variables: Sequence[Any], seed: int) -> None:
    """Every variable by the default scheme of its backbone."""
    for variable in variables:
        _draw(variable, seed, *_default_moments(trunk, variable))


def _draw_statistics(trunk: Trunk, variables: Sequence[Any], seed: int) -> None:
    """Every variable with the mean and std that it has."""
    for variable in variables:
        values = _values(variable)
        _draw(variable, seed, float(values.std()), float(values.mean()))


def _draw_layer_statistics(
    trunk: Trunk, variables: Sequence[Any], seed: int
) -> None:
    """As `_draw_statistics`, with what like variables of a block share.

    Of a kind are the kernels of one group in one block, and so are its
    biases, its gains and its shifts. Kernels of query, key and value, which
    differ, share one mean and one std so.
    """
    kinds: dict[Any, list[Any]] = {}
    for variable in variables:
        group = group_of(variable.path, trunk.finetune_rules)
        # Outside the blocks, a variable is of a kind of its own.
        last = variable.path.rsplit("/", 1)[-1]
        own = last if group.block is not None else variable.path
        kinds.setdefault((group.name, group.block, own), []).append(variable)
    for alike in kinds.values():
        values = np.concatenate([_values(v).ravel() for v in alike])
        for variable in alike:
            _draw(variable, seed, float(values.std()), float(values.mean()))


def _shuffle_blocks(trunk: Trunk, variables: Sequence[Any], seed: int) -> None:
    """The pretrained blocks in another order; what is around them stays."""
    order = np.random.default_rng(seed).permutation(len(trunk.blocks))
    by_block: dict[int, dict[str, Any]] = {}
    for variable in variables:
        block = group_of(variable.path, trunk.finetune_rules).block
        if block is not None:
            inside = re.sub(rf"_{block}/", "_{block}/", variable.path, count=1)
            by_block.setdefault(block, {})[inside] = variable
    numbers = sorted(by_block)
    # What one block alone has, as the worths of T5's distances, stays.
    shared = set.intersection(*(set(by_block[n]) for n in numbers))
    before = {
        (n, path): _values(by_block[n][path])
        for n in numbers
        for path in shared
    }
    for n, source in zip(numbers, order, strict=True):
        for path in shared:
            by_block[n][path].assign(before[numbers[source], path])


INITIALIZATIONS: dict[str, Callable[[Trunk, Sequence[Any], int], None]] = {
    "pretrained": _keep,
    "random": _draw_random,
    "statistics": _draw_statistics,
    "layer_statistics": _draw_layer_statistics,
    "shuffled_blocks": _shuffle_blocks,
}


def _seed(seed: int | None) -> int:
    # keras.utils.set_random_seed seeds the generator of `random`.
    return random.randrange(2**31) if seed is None else operator.index(seed)


def _draw(variable: Any, seed: int, std: float, mean: float) -> None:
    rng = generator(seed, variable.path)
    noise = rng.standard_normal(variable.shape, dtype="float32")
    variable.assign(mean + std * noise)


def _values(variable: Any) -> np.ndarray:
    return copy_of(variable).astype("float32")


def _default_moments(trunk: Trunk, variable: Any) -> tuple[float, float]:
    path, shape = variable.path, tuple(variable.shape)
    for pattern, std, mean in trunk.initial_values:
        if re.fullmatch(pattern, path):
            return (std(shape) if callable(std) else std), mean
    raise ValueError(
        f"{type(trunk).__name__} does not say how {path!r} is initialized: "
        "add it to `initial_values`"
    )
