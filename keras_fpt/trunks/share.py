"""How two trunks hold their frozen layers once."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from typing import Any

from keras_fpt.trunks.values import forget_replaced_variables


def share_frozen_layers(trunk: Any, other: Any) -> None:
    """Puts the frozen layers of `other` in the place of `trunk`'s own.

    A layer inside a block is shared if it holds variables and none of them is
    trained in either trunk; the others stay each trunk's own.

    Args:
        trunk: a `Trunk` that nobody computes with yet. Changed in place.
        other: a `Trunk` of the same sizes, options and family.
    """
    for block, twin in zip(trunk.blocks, other.blocks, strict=True):
        _share(block, twin)
    forget_replaced_variables(trunk)


def check_not_shared(trunk: Any, paths: Collection[str]) -> None:
    """Refuses to train variables that a sibling computes with.

    Args:
        trunk: a `Trunk`.
        paths: collection of strings. The variables that are to be trained.

    Raises:
        ValueError: if training them would change a sibling.
    """
    others = {
        id(variable)
        for sibling in trunk.siblings
        if sibling is not trunk
        for variable in sibling.weights
    }
    shared = [
        variable.path
        for variable in trunk.weights
        if variable.path in paths and id(variable) in others
    ]
    if shared:
        raise ValueError(
            "A sibling computes with the same frozen layers, and would change "
            "with them: make siblings by `model.sibling(finetune=...)` with "
            "all that either is ever to train, then choose less by "
            f"`set_finetune`. Received: {len(shared)} shared variables to "
            f"train, such as {shared[0]!r}"
        )


def _share(layer: Any, twin: Any) -> None:
    for name, child, twin_child in _pairs(layer, twin):
        if len(list(child._flatten_layers())) > 1:
            _share(child, twin_child)
        elif child.weights and not _trained(child) | _trained(twin_child):
            place = [id(each) for each in layer._layers].index(id(child))
            layer._tracker.unlock()
            layer._tracker.untrack(child)
            delattr(layer, name)
            setattr(layer, name, twin_child)
            # Both keep their variables in one order.
            layer._layers.insert(place, layer._layers.pop())
            layer._tracker.lock()


def _pairs(layer: Any, twin: Any) -> Iterator[tuple[str, Any, Any]]:
    """Sublayers of both, by the attribute that holds them."""
    # PyTorch keeps modules beside the attributes.
    held = {**vars(layer), **vars(layer).get("_modules", {})}
    children = {id(child) for child in layer._layers}
    for name, child in list(held.items()):
        if id(child) in children:
            yield name, child, getattr(twin, name)


def _trained(layer: Any) -> bool:
    return any(variable.trainable for variable in layer.weights)
