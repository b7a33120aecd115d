"""Tests differences over seeds, and counts the seeds that would settle them.

scipy is imported on first use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

# A difference is settled below this p-value. Intervals cover 1 - ALPHA.
ALPHA = 0.05
# Metrics are computed in float32, which rounds each of two scores to 6e-8 of
# it. Smaller differences come from rounding, not from the models.
ROUNDING = 2e-7
# Above this, "more seeds" is no advice.
MAX_SEEDS = 1_000


def t_test(
    values: np.ndarray, rounding: float
) -> tuple[tuple[float, float] | None, float | None]:
    """Interval of the mean, and the p-value of the paired t-test."""
    count = len(values)
    if count < 2:
        return None, None
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    if spread <= rounding:
        return (mean, mean), 0.0 if mean else 1.0
    stats = scipy_stats()
    error = spread / math.sqrt(count)
    half = error * float(stats.t.isf(ALPHA / 2, count - 1))
    p = 2 * float(stats.t.sf(abs(mean) / error, count - 1))
    return (mean - half, mean + half), p


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusts p-values of comparisons that are made together.

    The chance of one or more false findings among all comparisons whose
    adjusted p-value is below a level stays below that level, also if the
    comparisons depend on each other.

    Args:
        p_values: sequence of floats.

    Returns:
        List of floats. Adjusted p-values, in the given order.

    Raises:
        ValueError: if a value is not between 0 and 1.

    Reference:
        Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    values = np.asarray(p_values, dtype="float64")
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError(
            "p-values must lie between 0 and 1: leave out comparisons that "
            f"have none. Received: {list(p_values)}"
        )
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(factors * values[order])
    return np.minimum(adjusted, 1.0).tolist()


def seeds_needed(
    differences: Sequence[float], power: float = 0.8, alpha: float = ALPHA
) -> int | None:
    """Returns how many seeds would settle a difference of this size.

    The mean and spread of the given differences are taken for the true ones.
    From few seeds this is a rough number.

    Args:
        differences: sequence of floats. One a seed.
        power: float. Chance that the paired t-test settles the difference.
            Defaults to `0.8`.
        alpha: float. Level of the two-sided test. Defaults to `0.05`.

    Returns:
        int, in all and not in addition; `None` if it is above 1,000, or if
        there are fewer than two differences or their mean is zero.

    Raises:
        ValueError: if `power` or `alpha` is not between 0 and 1.

    Reference:
        Colas et al. (2018), How many random seeds? Statistical power analysis
        in deep reinforcement learning experiments.
    """
    for name, level in (("power", power), ("alpha", alpha)):
        if not 0 < level < 1:
            raise ValueError(
                f"`{name}` must lie between 0 and 1. Received: {name}={level!r}"
            )
    if len(differences) < 2 or not np.mean(differences):
        return None
    mean, spread = np.mean(differences), np.std(differences, ddof=1)
    if spread <= ROUNDING * abs(mean):
        return 2
    stats = scipy_stats()
    for num_seeds in range(2, MAX_SEEDS + 1):
        freedom = num_seeds - 1
        shift = abs(mean) / spread * math.sqrt(num_seeds)
        critical = stats.t.isf(alpha / 2, freedom)
        reached = stats.nct.sf(critical, freedom, shift)
        reached += stats.nct.cdf(-critical, freedom, shift)
        if reached >= power:
            return num_seeds
    return None


def scipy_stats() -> Any:
    """Imports scipy on first use: slow, and only comparisons need it."""
    try:
        from scipy import stats
    except ImportError as error:
        raise ImportError(
            f"Comparisons need scipy, which cannot be imported ({error}): run "
            "`pip install keras-fpt[plot]`"
        ) from error
    return stats
