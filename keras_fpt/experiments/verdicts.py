"""Says in sentences which model is better, and what is not settled."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

from keras_fpt.experiments.significance import MAX_SEEDS
from keras_fpt.experiments.statistics import NOT_SETTLED
from keras_fpt.experiments.statistics import Difference
from keras_fpt.experiments.units import Units

# A difference that is not settled is called level if its whole interval lies
# within one point: the standard error of an accuracy of 50 % on 2,500 test
# examples. Most test sets do not show less.
SAME_WITHIN = 0.01
# Metrics whose best value is 1, so that 0.01 is little. In a squared error,
# for example, it may be a lot.
_BEST_IS_ONE = ("accuracy", "r2")
# Beside a learning rate at an edge of those tried: which way to go on.
LARGEST_MARK, SMALLEST_MARK = "↑", "↓"


class _Claim(NamedTuple):
    """What the pretrained trunk's difference from another row says."""

    other: str
    ahead: str
    behind: str
    level: str
    question: str


# What each comparison isolates, the broadest question first.
_CLAIMS = {
    ("pretrained", "no_trunk"): _Claim(
        other="no trunk",
        ahead="On this data a frozen transformer helps: ",
        behind="On this data a frozen transformer does harm: ",
        level="On this data a frozen transformer changes little: ",
        question="a frozen transformer helps on this data",
    ),
    ("pretrained", "random"): _Claim(
        other="the same trunk with random values",
        ahead="The pretrained values help: ",
        behind="The pretrained values do harm: ",
        level="The pretrained values change little: ",
        question="the pretrained values help",
    ),
    ("pretrained", "statistics"): _Claim(
        other="values redrawn with the same mean and standard deviation",
        ahead="The pretrained values help beyond their mean and spread: ",
        behind="The pretrained values do harm beyond their mean and spread: ",
        level="The pretrained values add little to their mean and spread: ",
        question="the pretrained values help beyond their mean and spread",
    ),
    ("pretrained", "lstm"): _Claim(
        other="a trained LSTM",
        ahead="The frozen transformer beats a recurrent network: ",
        behind="The frozen transformer does not reach a recurrent network: ",
        level="Frozen transformer and recurrent network differ little: ",
        question="the frozen transformer beats a recurrent network",
    ),
}
_CONTROLS = frozenset(other for _, other in _CLAIMS)


def sentences(
    task_metric: str, differences: Mapping[tuple[str, str], Difference]
) -> list[str]:
    """Says what each comparison shows.

    `"pretrained"` against `"no_trunk"`, `"random"`, `"statistics"` and
    `"lstm"` come first, each with what it isolates. Beside them, comparisons
    among these four are left out: they say nothing about the pretrained trunk.

    Args:
        task_metric: string. `"accuracy"` is written in points (percent), any
            other metric as plain numbers.
        differences: mapping from `(row, other)` to a `Difference`. Several
            should be corrected first, by `statistics.corrected`.

    Returns:
        List of strings. One a comparison; the last says what the numbers are.

    Example:

    ```python
    from keras_fpt.experiments import statistics
    from keras_fpt.experiments import verdicts

    ours, theirs = {0: 0.9, 1: 0.8}, {0: 0.6, 1: 0.5}
    difference = statistics.paired_difference(ours, theirs)
    print(*verdicts.sentences("accuracy", {("mine", "lstm"): difference}))
    ```
    """
    claims = [pair for pair in _CLAIMS if pair in differences]
    own = [
        (row, other)
        for row, other in differences
        if (row, other) not in _CLAIMS
        and not (claims and {row, other} <= _CONTROLS)
    ]
    pairs = claims + own
    said = [_sentence(task_metric, pair, differences[pair]) for pair in pairs]
    tested = [differences[pair] for pair in pairs if differences[pair].interval]
    return said + ([_legend(task_metric, tested)] if tested else [])


def is_level(task_metric: str, difference: Difference) -> bool:
    """Whether a difference is not settled and surely within 0.01 of zero.

    Only accuracies and R2 can be level: 0.01 may be a lot in other metrics.
    """
    return (
        task_metric in _BEST_IS_ONE
        and difference.verdict == NOT_SETTLED
        and difference.interval is not None
        and max(map(abs, difference.interval)) <= SAME_WITHIN
    )


def edge_mark(rate: float, rates: Iterable[float]) -> str:
    """Returns a mark for a chosen learning rate at an edge of those tried.

    Args:
        rate: float. The chosen one.
        rates: iterable of floats. All that were tried.

    Returns:
        `"↑"` for the largest, `"↓"` for the smallest, `""` for others and
        where only one was tried.

    Raises:
        ValueError: if `rate` is not one of `rates`.
    """
    tried = sorted(set(rates))
    if rate not in tried:
        raise ValueError(
            "The chosen learning rate must be one of those tried, "
            f"{', '.join(map(repr, tried))}. Received: {rate!r}"
        )
    if len(tried) == 1:
        return ""
    return {tried[-1]: LARGEST_MARK, tried[0]: SMALLEST_MARK}.get(rate, "")


def edge_sentence(row: str, rate: float, rates: Iterable[float]) -> str | None:
    """Says that a learning rate which was not tried may be better.

    Args:
        row: string. Name of the model.
        rate: float. As in `edge_mark`.
        rates: iterable of floats. As in `edge_mark`.

    Returns:
        String that starts with the mark; `None` if the rate is at no edge.
    """
    tried = set(rates)
    mark = edge_mark(rate, tried)
    if len(tried) == 1:
        return f"{row}: only one learning rate was tried, {rate:g}."
    if not mark:
        return None
    which = "larg" if mark == LARGEST_MARK else "small"
    return (
        f"{mark} {row} did best at {rate:g}, the {which}est learning rate "
        f"tried. A {which}er one may be better."
    )


def _sentence(
    metric: str, pair: tuple[str, str], difference: Difference
) -> str:
    row, other = pair
    claim = _CLAIMS.get(pair) or _Claim(
        other, f"{row} is ", f"{row} is ", f"{row} is ", f"{row} beats {other}"
    )
    units = Units(metric, difference)
    if is_level(metric, difference):
        bound = "one point" if metric == "accuracy" else f"{SAME_WITHIN:g}"
        said = (
            f"{claim.level}level with {claim.other} within {bound}, "
            f"{units.signed} {units.interval}."
        )
    elif difference.verdict == NOT_SETTLED:
        said = (
            f"Whether {claim.question} is not settled: "
            f"{_open(claim.other, units, difference)}."
        )
    else:
        ahead = difference.verdict == "ahead"
        said = (
            f"{claim.ahead if ahead else claim.behind}{units.size} "
            f"{difference.verdict}{' of' if ahead else ''} {claim.other} "
            f"{units.interval}."
        )
    return said + _limits(units, difference)


def _open(other: str, units: Units, difference: Difference) -> str:
    """What is known of a difference that is not settled."""
    if not difference.num_pairs:
        return "no seed has a score of both"
    if difference.interval is None:
        return (
            f"{units.signed} against {other} with one seed, and an interval "
            "needs two"
        )
    said = f"{units.signed} against {other} {units.interval}"
    low, high = difference.interval
    if low > 0 or high < 0:
        said += (
            ", which excludes 0 but not after correction for "
            f"{difference.num_comparisons} comparisons"
        )
    if not difference.mean:
        return said
    needed = difference.num_seeds_needed
    number = f"more than {MAX_SEEDS:,}" if needed is None else f"about {needed}"
    return f"{said}; {number} seeds would settle a difference of this size"


def _limits(units: Units, difference: Difference) -> str:
    """What else a reader must know of this comparison."""
    said = ""
    error, missing = difference.test_error, difference.num_missing
    settled = difference.verdict != NOT_SETTLED
    if settled and error and abs(difference.mean or 0.0) < 2 * error:
        said += (
            " Another test set could turn this around: its size adds a "
            f"standard error of up to {units.plain(error)}."
        )
    if missing:
        said += (
            f" {missing} seed{' is' if missing == 1 else 's are'} left out: "
            "a run is missing or diverged."
        )
    return said


def _legend(metric: str, tested: list[Difference]) -> str:
    """Says once what the numbers of all sentences are."""
    counts = sorted({difference.num_pairs for difference in tested})
    seeds = " to ".join(map(str, sorted({counts[0], counts[-1]})))
    units = " in points (percent)" if metric == "accuracy" else ""
    said = (
        f"Numbers are differences of {metric}{units}, brackets their 95 % "
        f"intervals over {seeds} seeds."
    )
    comparisons = max(difference.num_comparisons for difference in tested)
    if comparisons > 1:
        said += (
            f" Verdicts are corrected for {comparisons} comparisons by Holm's "
            "method, intervals are not."
        )
    if not all(difference.higher_is_better for difference in tested):
        said += f" Lower {metric} is better: positive numbers mean lower."
    return said
