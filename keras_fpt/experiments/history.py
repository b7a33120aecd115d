"""Early stopping and convergence from the validation history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# A validation score this near to the best counts as converged: half a point.
CONVERGED_WITHIN = 0.005
# A run has converged if it is that near over this share of its steps, and over
# this many evaluations: two may be equal within a rise.
SETTLED_SHARE = 0.2
SETTLED_EVALUATIONS = 3
History = Sequence[dict[str, Any]]


def has_diverged(history: History) -> bool:
    """Whether the loss was not a number."""
    return bool(history) and history[-1]["loss"] is None


def has_stopped(history: History, patience: int | None) -> bool:
    """Whether `patience` evaluations have passed since the best one."""
    best = best_evaluation(history)
    if patience is None or best is None:
        return False
    since = [each for each in history if each["step"] > best["step"]]
    return len(since) >= patience


def is_over(history: History, steps: int, patience: int | None) -> bool:
    """Whether a run of `steps` steps has come to its end."""
    if not history:
        return False
    return (
        history[-1]["step"] >= steps
        or has_diverged(history)
        or has_stopped(history, patience)
    )


def best_evaluation(history: History) -> dict[str, Any] | None:
    """The first evaluation with the best validation score."""
    scored = [each for each in history if each["validation"] is not None]
    return max(scored, key=lambda each: each["validation"], default=None)


def steps_to_convergence(history: History) -> int | None:
    """Steps until the validation score stays near the best of the run.

    The first evaluation from which on all are within half a point of the
    best. A run has converged only if these are the last fifth of its steps or
    more, and three evaluations or more: a score that still rises at the end
    is near its best only there.

    Args:
        history: sequence of evaluations, in the order of their steps.

    Returns:
        int; `None` if the run has not converged, or the loss was not a number.
    """
    best = best_evaluation(history)
    if best is None or has_diverged(history):
        return None
    near = 0
    for evaluation in reversed(history):
        if evaluation["validation"] < best["validation"] - CONVERGED_WITHIN:
            break
        near += 1
    if near < SETTLED_EVALUATIONS:
        return None
    step, last = history[-near]["step"], history[-1]["step"]
    return step if last - step >= SETTLED_SHARE * last else None
