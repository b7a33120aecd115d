"""Chooses the blocks of a backbone that a trunk keeps."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_fpt.finetuning import group_of
from keras_fpt.sizes import whole_number

NumLayers = int | Sequence[int] | None


def checked_num_layers(num_layers: Any) -> int | tuple[int, ...] | None:
    """Returns `num_layers` as ints, refused if it names no blocks.

    Args:
        num_layers: int, how many blocks from the first on; sequence of ints,
            which ones, negative numbers from the end; or `None`, all.

    Raises:
        ValueError: if it is something else, is empty or names a block twice.
    """
    if num_layers is None:
        return None
    listed = isinstance(num_layers, (Sequence, np.ndarray))
    if not listed or isinstance(num_layers, str):
        return whole_number("num_layers", num_layers)
    blocks = tuple(num_layers)
    if not blocks:
        raise ValueError(
            "`num_layers` as a sequence names the blocks to keep. Received an "
            f"empty one: num_layers={num_layers!r}"
        )
    if not all(
        isinstance(block, (int, np.integer)) and not isinstance(block, bool)
        for block in blocks
    ):
        raise ValueError(
            "`num_layers` as a sequence holds the numbers of blocks, such as "
            f"[-1] or range(6, 12). Received: num_layers={num_layers!r}"
        )
    # Which numbers there are is known when the backbone is.
    return tuple(int(block) for block in blocks)


def chosen_blocks(num_layers: NumLayers, available: int) -> list[int]:
    """The numbers of the blocks to keep, from 0 on, in the trunk's order.

    Args:
        num_layers: as `checked_num_layers` returns it.
        available: int. How many blocks the backbone has.

    Raises:
        ValueError: if the backbone lacks one of them, or one is named twice.
    """
    every = range(available)
    if num_layers is None:
        return list(every)
    if isinstance(num_layers, int):
        if num_layers > available:
            raise ValueError(
                f"`num_layers` must lie in 1..{available}, the blocks of this "
                f"backbone. Received: num_layers={num_layers}"
            )
        return list(every[:num_layers])
    written = list(num_layers)
    if not all(-available <= block < available for block in written):
        raise ValueError(
            f"Blocks in `num_layers` must lie in {-available}.."
            f"{available - 1}: this backbone has {available}. Received: "
            f"num_layers={written}"
        )
    blocks = [every[block] for block in written]
    if len(set(blocks)) < len(blocks):
        raise ValueError(
            "`num_layers` keeps each block once. Received one twice: "
            f"num_layers={written}"
        )
    return blocks


def source_paths(
    trunk: Any, blocks: Sequence[int], available: Collection[str]
) -> dict[str, str]:
    """Paths of a trunk's variables -> those of the backbone they come from.

    Args:
        trunk: a `Trunk`, whose blocks are numbered again.
        blocks: sequence of ints. The backbone's number of each, from 0 on.
        available: the paths of the backbone's variables. What one block alone
            has, as the worths of T5's distances in the first, comes from the
            same place.
    """
    paths = {}
    for variable in trunk.weights:
        path = source = variable.path
        number = group_of(path, trunk.finetune_rules).block
        if number is not None:
            block = trunk.first_block + blocks[number - trunk.first_block]
            source = path.replace(f"_{number}/", f"_{block}/", 1)
        paths[path] = source if source in available else path
    return paths
