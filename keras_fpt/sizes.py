"""Validates integer arguments."""

from __future__ import annotations

import operator
from typing import Any


def whole_number(
    name: str, value: Any, least: int = 1, below: int | None = None
) -> int:
    """Returns `value` as an int, refused if it is none or out of bounds."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if (
        number is None
        or isinstance(value, bool)
        or number < least
        or (below is not None and number >= below)
    ):
        most = "" if below is None else f" and below {below}"
        raise ValueError(
            f"`{name}` must be a whole number of at least {least}{most}. "
            f"Received: {name}={value!r}"
        )
    return number
