"""How two trunks hold their frozen layers once."""

from __future__ import annotations

import weakref
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras

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


@keras.saving.register_keras_serializable(package="keras_fpt")
class Siblings:
    """Trunks that hold some frozen layers once, in memory and in files.

    Keras writes a layer that two models hold once. Each trunk's config says
    which of its layers are shared, so that the loaded trunks share them too.
    """

    def __init__(self) -> None:
        self._trunks: list[Any] = []
        self._loaded: Any = weakref.WeakValueDictionary()

    def __iter__(self) -> Iterator[Any]:
        """The trunks that are still there, in the order of their making."""
        return (t for t in [each() for each in self._trunks] if t is not None)

    def add(self, trunk: Any) -> None:
        """Counts a trunk among the siblings."""
        self._trunks.append(weakref.ref(trunk))

    def shared_layers(self, trunk: Any) -> dict[str, str]:
        """Where a trunk holds layers that others hold too.

        Returns:
            Dict from the place of a layer to a name that this layer has for
            all of them.
        """
        held: dict[str, list[Any]] = {}
        for sibling in self:
            for place, layer, name in _places(sibling):
                held.setdefault(place, []).append(getattr(layer, name))
        shared = {}
        for place, layer, name in _places(trunk):
            same = [each is getattr(layer, name) for each in held[place]]
            if sum(same) > 1:
                shared[place] = f"{place} {same.index(True)}"
        return shared

    def take_shared(self, trunk: Any, shared: Mapping[str, str]) -> None:
        """Gives a trunk the layers of those that were loaded before it.

        Args:
            trunk: a `Trunk` that nobody computes with yet. Changed in place.
            shared: mapping. Of what `shared_layers` said of the trunk that
                was saved.
        """
        for place, layer, name in list(_places(trunk)):
            if place not in shared:
                continue
            child = getattr(layer, name)
            common = self._loaded.setdefault(shared[place], child)
            if common is not child:
                _put(layer, name, child, common)
        forget_replaced_variables(trunk)

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Siblings:
        return cls()


def shared_config(trunk: Any) -> dict[str, Any]:
    """What a file says of the layers that a trunk shares.

    Returns:
        Dict, empty unless Keras is saving: a config alone makes one trunk.
    """
    shared = trunk.siblings.shared_layers(trunk)
    if not shared:
        return {}
    serialize = keras.saving.serialize_keras_object
    # Keras numbers what it meets twice while it saves, and only then.
    _, siblings = serialize(trunk.siblings), serialize(trunk.siblings)
    if "shared_object_id" not in siblings:
        return {}
    return {"shared": {"siblings": siblings, "layers": shared}}


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
            _put(layer, name, child, twin_child)


def _put(layer: Any, name: str, child: Any, other: Any) -> None:
    """Puts another layer in the place of one inside a layer."""
    place = [id(each) for each in layer._layers].index(id(child))
    layer._tracker.unlock()
    layer._tracker.untrack(child)
    delattr(layer, name)
    setattr(layer, name, other)
    # Both keep their variables in one order.
    layer._layers.insert(place, layer._layers.pop())
    layer._tracker.lock()


def _places(trunk: Any) -> Iterator[tuple[str, Any, str]]:
    """The layers that may be shared: place, holder and attribute."""
    for number, block in enumerate(trunk.blocks):
        yield from _inside(block, str(number))


def _inside(layer: Any, place: str) -> Iterator[tuple[str, Any, str]]:
    for name, child, _ in _pairs(layer, layer):
        if len(list(child._flatten_layers())) > 1:
            yield from _inside(child, f"{place}/{name}")
        elif child.weights:
            yield f"{place}/{name}", layer, name


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
