"""What the looks of a run at its validation set say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Validation accuracy this near to the best counts as converged: half a point.
CONVERGED_WITHIN = 0.005
History = Sequence[dict[str, Any]]


def has_diverged(history: History) -> bool:
    """Whether the loss was not a number."""
    return bool(history) and history[-1]["loss"] is None


def has_stopped(history: History, patience: int | None) -> bool:
    """Whether so many looks have passed since the best one."""
    best = best_look(history)
    if patience is None or best is None:
        return False
    since = [look for look in history if look["step"] > best["step"]]
    return len(since) >= patience


def is_over(history: History, steps: int, patience: int | None) -> bool:
    """Whether a run of so many steps has come to its end."""
    if not history:
        return False
    return (
        history[-1]["step"] >= steps
        or has_diverged(history)
        or has_stopped(history, patience)
    )


def best_look(history: History) -> dict[str, Any] | None:
    """The first look with the best validation accuracy."""
    looks = [look for look in history if look["validation"] is not None]
    return max(looks, key=lambda look: look["validation"], default=None)


def steps_to_convergence(history: History) -> int | None:
    """Steps until validation accuracy stays near the best it will reach.

    The first look from which on all are within half a point of the best;
    `None` if the last one is not, or the loss was not a number.
    """
    best = best_look(history)
    if best is None or has_diverged(history):
        return None
    step = None
    for look in reversed(history):
        if look["validation"] < best["validation"] - CONVERGED_WITHIN:
            break
        step = look["step"]
    return step
