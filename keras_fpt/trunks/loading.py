"""Keeps account of which values of a trunk were loaded, drawn or copied.

A config names a trunk and holds no values: a trunk that is made from one has
the random values of new layers until others are assigned.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras


class UnloadedValues:
    """The variables of a trunk that still hold the values of new layers.

    Every way to load, set or draw values ends in `Variable.assign`; Keras
    tells nobody else of it.

    Args:
        variables: the variables to wait for.
    """

    def __init__(self, variables: Iterable[Any] = ()) -> None:
        self._waiting: dict[int, Any] = {}
        for variable in variables:
            self._waiting[id(variable)] = variable
            # Weak, as the variable would otherwise hold itself.
            variable.assign = functools.partial(
                _assign, weakref.ref(self), weakref.ref(variable)
            )

    @property
    def paths(self) -> list[str]:
        """Paths of the variables that nothing was assigned to yet."""
        return [variable.path for variable in self._waiting.values()]

    def forget(self, variable: Any) -> None:
        """Notes that a variable has its value."""
        if self._waiting.pop(id(variable), None) is not None:
            del variable.assign

    def keep(self, variables: Iterable[Any]) -> None:
        """Waits for none but these, of those that it waits for."""
        kept = {id(variable) for variable in variables}
        for variable in list(self._waiting.values()):
            if id(variable) not in kept:
                self.forget(variable)

    def forget_all(self) -> None:
        """Notes that every variable has its value."""
        for variable in list(self._waiting.values()):
            self.forget(variable)


def _assign(unloaded: Any, variable: Any, *args: Any, **kwargs: Any) -> Any:
    variable, waiting = variable(), unloaded()
    result = type(variable).assign(variable, *args, **kwargs)
    if waiting is not None:
        waiting.forget(variable)
    return result


class LiveConfig(dict[str, Any]):
    """A trunk's config, with a weak reference to the trunk itself.

    In the process that made it, such as in `keras.models.clone_model`, a
    trunk made from it takes the values along. A file, a copy or JSON keeps
    the entries alone.

    Args:
        config: mapping. The entries.
        trunk: the `Trunk` that they describe.
    """

    def __init__(self, config: Mapping[str, Any], trunk: Any) -> None:
        super().__init__(config)
        self.trunk = weakref.ref(trunk)

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def described_trunk(config: Any) -> Any:
    """The trunk that a config was made from, if that is still known."""
    return config.trunk() if isinstance(config, LiveConfig) else None


def copy_all_values(trunk: Any, source: Any) -> None:
    """Gives a trunk the present values of another with the same variables."""
    values = {variable.path: variable for variable in source.weights}
    for variable in trunk.weights:
        if variable is not values[variable.path]:
            # On JAX, training deletes the arrays that it replaces.
            variable.assign(keras.ops.copy(values[variable.path]))
