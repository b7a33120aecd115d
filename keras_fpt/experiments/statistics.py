"""Compares the scores of two models over the seeds that both have.

`±` means standard error everywhere in this project. A score that is `None`,
NaN or infinite is that of a diverged run, which counts as a missing one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import TypeVar

import numpy as np

from keras_fpt.experiments.significance import ALPHA
from keras_fpt.experiments.significance import ROUNDING
from keras_fpt.experiments.significance import holm
from keras_fpt.experiments.significance import scipy_stats
from keras_fpt.experiments.significance import seeds_needed
from keras_fpt.experiments.significance import t_test
from keras_fpt.sizes import whole_number

AHEAD, BEHIND, NOT_SETTLED = "ahead", "behind", "not settled"
# With five pairs the smallest two-sided p-value is 2 / 2**5 = 0.0625.
MIN_RANKED_PAIRS = 6

Name = TypeVar("Name", bound=Hashable)


@dataclasses.dataclass(frozen=True)
class Difference:
    """Compares two models seed by seed. `paired_difference` makes it.

    Attributes:
        values: tuple of floats. Our score minus their score, one a pair.
        interval: `(low, high)`, the 95 % t-interval of the mean over seeds;
            `None` for fewer than two pairs. It stays the plain interval when
            several comparisons are corrected.
        p_value: float or `None`. Two-sided paired t-test.
        adjusted_p_value: float or `None`. `p_value` after Holm's correction,
            the same for a single comparison. The verdict follows from it.
        num_comparisons: int. Number of comparisons corrected together.
        num_missing: int. Seeds of either model without a pair, because a run
            is absent or diverged: the mean is that of the other seeds.
        test_error: float or `None`. Standard error of the difference due to
            the size of the test set. The interval contains it only where each
            seed has a test set of its own.
        higher_is_better: bool. Whether a higher score is better.
    """

    values: tuple[float, ...]
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None
    num_comparisons: int = 1
    num_missing: int = 0
    test_error: float | None = None
    higher_is_better: bool = True

    @property
    def num_pairs(self) -> int:
        """Number of seeds with a score of both models."""
        return len(self.values)

    @property
    def mean(self) -> float | None:
        """Mean difference; `None` without a pair."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def verdict(self) -> str:
        """`"ahead"`, `"behind"` or `"not settled"`."""
        p, mean = self.adjusted_p_value, self.mean
        if p is None or not mean or p >= ALPHA:
            return NOT_SETTLED
        return AHEAD if (mean > 0) == self.higher_is_better else BEHIND

    @property
    def num_seeds_needed(self) -> int | None:
        """`seeds_needed`, at a level that allows for all comparisons."""
        return seeds_needed(self.values, alpha=ALPHA / self.num_comparisons)


def standard_error(scores: Iterable[Any]) -> float | None:
    """Returns the standard error of the mean; `None` for fewer than two.

    Args:
        scores: iterable of scores. Those of diverged runs are left out.
    """
    numbers = [float(score) for score in scores if _is_finite(score)]
    if len(numbers) < 2:
        return None
    return float(np.std(numbers, ddof=1)) / math.sqrt(len(numbers))


def paired_difference(
    ours: Mapping[Any, Any],
    theirs: Mapping[Any, Any],
    test_size: int | None = None,
    metric: str = "accuracy",
    higher_is_better: bool = True,
) -> Difference:
    """Compares two models over the seeds that both have.

    A seed gives both models the same training batches, so differences vary
    less than scores do. If all differences are the same, the interval is a
    point and the verdict follows from the sign: zero is "not settled".

    Args:
        ours: mapping from seeds to scores. Accuracies lie between 0 and 1.
        theirs: mapping from seeds to scores, of the model to compare with.
        test_size: int or `None`. Number of test examples, for `test_error`:
            binomial standard errors of both accuracies, combined as if they
            were independent. That is an upper bound, as models tend to fail
            on the same examples. Defaults to `None`.
        metric: string. Metrics other than `"accuracy"` have no `test_error`.
            Defaults to `"accuracy"`.
        higher_is_better: bool. `False` for errors. Defaults to `True`.

    Returns:
        A `Difference`. With fewer than two pairs it has no interval and is
        "not settled".

    Raises:
        ValueError: if scores are no mapping or accuracies not in [0, 1].

    Example:

    ```python
    from keras_fpt.experiments import statistics

    ours, theirs = {0: 0.91, 1: 0.93, 2: 0.92}, {0: 0.84, 1: 0.85, 2: 0.83}
    difference = statistics.paired_difference(ours, theirs, test_size=1000)
    assert difference.verdict == "ahead"
    low, high = difference.interval
    ```
    """
    pairs, num_missing = _pairs(ours, theirs)
    accuracies = metric == "accuracy"
    if accuracies and np.any((pairs < 0) | (pairs > 1 + ROUNDING)):
        raise ValueError(
            "Accuracies must lie between 0 and 1: divide percentages by 100, "
            "or pass `metric=` for another score. "
            f"Received: {pairs.min():g} to {pairs.max():g}"
        )
    error = None
    if test_size is not None and accuracies and len(pairs):
        size = whole_number("test_size", test_size)
        means = np.minimum(pairs.mean(axis=0), 1.0)
        error = math.sqrt(float((means * (1 - means)).sum()) / size)
    values, rounding = _differences(pairs)
    interval, p = t_test(values, rounding)
    return Difference(
        values=tuple(values.tolist()),
        interval=interval,
        p_value=p,
        adjusted_p_value=p,
        num_missing=num_missing,
        test_error=error,
        higher_is_better=higher_is_better,
    )


def corrected(differences: Mapping[Name, Difference]) -> dict[Name, Difference]:
    """Corrects the verdicts of several comparisons by Holm's method.

    Uncorrected, ten comparisons of equal models give an "ahead" or "behind"
    with a chance of up to 40 %. Intervals stay the plain 95 % ones, each for
    its own comparison: one may exclude 0 where the corrected verdict is "not
    settled". Comparisons without a p-value do not count.

    Args:
        differences: mapping from names of comparisons to `Difference`s.

    Returns:
        Dict of the same with `adjusted_p_value` and `num_comparisons`.
    """
    tested = {
        name: difference.p_value
        for name, difference in differences.items()
        if difference.p_value is not None
    }
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {
        name: dataclasses.replace(
            difference,
            adjusted_p_value=adjusted.get(name),
            num_comparisons=max(1, len(tested)),
        )
        for name, difference in differences.items()
    }


def rank_test(ours: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> float:
    """Returns the p-value of the two-sided Wilcoxon signed-rank test.

    Unlike the t-test, it does not assume normal differences. Differences of
    zero are left out.

    Args:
        ours: mapping from seeds to scores.
        theirs: mapping from seeds to scores.

    Raises:
        ValueError: if there are fewer than six pairs.
    """
    pairs, _ = _pairs(ours, theirs)
    if len(pairs) < MIN_RANKED_PAIRS:
        raise ValueError(
            f"A rank test needs at least {MIN_RANKED_PAIRS} seeds with both "
            "scores (from five, its p-value cannot fall below 0.0625): run "
            f"more seeds or use `paired_difference`. Received: {len(pairs)}"
        )
    values, rounding = _differences(pairs)
    values = values[values != 0]
    if not len(values):
        return 1.0
    # Differences that are equal up to rounding get the same rank.
    return float(scipy_stats().wilcoxon(np.round(values / rounding)).pvalue)


def _pairs(
    ours: Mapping[Any, Any], theirs: Mapping[Any, Any]
) -> tuple[np.ndarray, int]:
    """Pairs of scores, `(num_pairs, 2)`, and the number of missing pairs."""
    for name, scores in (("ours", ours), ("theirs", theirs)):
        if not isinstance(scores, Mapping):
            raise ValueError(
                f"`{name}` must map seeds to scores, as in {{0: 0.91, 1: "
                f"0.93}}. Received: {name}={scores!r}"
            )
    both = [(ours[seed], theirs[seed]) for seed in ours if seed in theirs]
    pairs = [pair for pair in both if all(map(_is_finite, pair))]
    num_missing = len({*ours, *theirs}) - len(pairs)
    return np.array(pairs, dtype="float64").reshape(-1, 2), num_missing


def _is_finite(score: Any) -> bool:
    return score is not None and math.isfinite(score)


def _differences(pairs: np.ndarray) -> tuple[np.ndarray, float]:
    """Differences, and the rounding error below which they are zero."""
    rounding = ROUNDING * float(np.abs(pairs).max(initial=0.0))
    values = pairs[:, 0] - pairs[:, 1]
    return np.where(np.abs(values) <= rounding, 0.0, values), rounding
