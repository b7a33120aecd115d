"""The t-test, Holm's correction and the seeds that a difference needs."""

import sys

import numpy as np
import pytest
from scipy import stats

from keras_fpt.experiments import significance
from keras_fpt.experiments.significance import holm
from keras_fpt.experiments.significance import seeds_needed
from keras_fpt.experiments.significance import t_test


def differences_with(effect, count=7, spread=0.01):
    """Differences whose mean is `effect` times their standard deviation."""
    values = np.random.default_rng(0).normal(size=count)
    values = (values - values.mean()) / values.std(ddof=1)
    return (spread * (values + effect)).tolist()


def simulated_power(effect, num_seeds, alpha=0.05, draws=40_000):
    """Share of made-up comparisons that scipy's t-test settles."""
    rng = np.random.default_rng(1)
    values = rng.normal(effect, 1.0, size=(draws, num_seeds))
    return np.mean(stats.ttest_1samp(values, 0.0, axis=1).pvalue < alpha)


def holm_rejects(p_values, alpha):
    """Holm's procedure as published: step down until one is not rejected."""
    rejected = [False] * len(p_values)
    ranks = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for step, index in enumerate(ranks):
        if p_values[index] > alpha / (len(p_values) - step):
            break
        rejected[index] = True
    return rejected


@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_t_test_is_that_of_scipy(count):
    values = np.random.default_rng(count).normal(0.02, 0.03, size=count)
    interval, p = t_test(values, 0.0)
    expected = stats.ttest_1samp(values, 0.0)
    np.testing.assert_allclose(interval, expected.confidence_interval(0.95))
    np.testing.assert_allclose(p, expected.pvalue)


def test_t_interval_covers_the_true_mean_in_95_percent():
    rng = np.random.default_rng(0)
    covered = [
        low <= 0.3 <= high
        for values in rng.normal(0.3, 1.0, size=(4000, 4))
        for low, high in [t_test(values, 0.0)[0]]
    ]
    assert abs(np.mean(covered) - 0.95) < 0.012


def test_t_test_without_spread():
    assert t_test(np.full(3, 0.25), 1e-7) == ((0.25, 0.25), 0.0)
    assert t_test(np.zeros(2), 0.0) == ((0.0, 0.0), 1.0)
    assert t_test(np.array([0.1]), 0.0) == (None, None)
    assert t_test(np.array([]), 0.0) == (None, None)


def test_holm_by_hand():
    # 4 * 0.005, 3 * 0.01, 2 * 0.03, and 0.04 is not below the one before it.
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])
    assert holm([0.4, 0.6]) == [0.8, 0.8]
    assert holm([0.7, 0.8, 0.9]) == [1.0, 1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@pytest.mark.parametrize("count", [2, 3, 6])
def test_holm_rejects_what_its_definition_rejects(count):
    rng = np.random.default_rng(count)
    for _ in range(50):
        p_values = (rng.uniform(size=count) ** 3).round(2).tolist()
        adjusted = holm(p_values)
        # Off the grid of the p-values: equality would turn on rounding.
        for alpha in np.arange(0.0013, 1, 0.0171):
            rejected = [p <= alpha for p in adjusted]
            assert rejected == holm_rejects(p_values, alpha), p_values


def test_holm_keeps_false_findings_rare():
    rng = np.random.default_rng(0)
    found = [min(holm(p)) < 0.05 for p in rng.uniform(size=(4000, 10))]
    assert np.mean(found) < 0.06
    uncorrected = rng.uniform(size=(4000, 10)).min(axis=1) < 0.05
    assert abs(uncorrected.mean() - 0.40) < 0.03


@pytest.mark.parametrize("bad", [[0.1, np.nan], [1.2], [-0.1]])
def test_holm_refuses_what_is_no_p_value(bad):
    with pytest.raises(ValueError, match="p-values.*leave out.*Received: "):
        holm(bad)


@pytest.mark.parametrize(
    "effect, published",
    # G*Power 3.1, paired t-test, two-sided, level 0.05, power 0.8.
    [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)],
)
def test_seeds_needed_are_the_published_ones(effect, published):
    assert seeds_needed(differences_with(effect)) == published
    assert seeds_needed(differences_with(-effect)) == published


@pytest.mark.parametrize(
    "effect, alpha", [(0.6, 0.05), (1.5, 0.05), (1.5, 0.01)]
)
def test_seeds_needed_have_the_power(effect, alpha):
    needed = seeds_needed(differences_with(effect), alpha=alpha)
    assert simulated_power(effect, needed, alpha) > 0.8 - 0.01
    assert simulated_power(effect, needed - 1, alpha) < 0.8 + 0.01

    def exact(num_seeds):
        critical = stats.t.ppf(1 - alpha / 2, num_seeds - 1)
        shift = effect * num_seeds**0.5
        below = stats.nct.cdf([critical, -critical], num_seeds - 1, shift)
        return 1 - below[0] + below[1]

    assert exact(needed) >= 0.8 > exact(needed - 1)


def test_seeds_needed_follow_power_and_units():
    values = differences_with(0.7)
    few, usual, many = (seeds_needed(values, power=p) for p in (0.5, 0.8, 0.95))
    assert few < usual < many
    assert seeds_needed([100 * value for value in values]) == usual
    assert usual < seeds_needed(values, alpha=0.01)


def test_seeds_needed_at_the_ends():
    assert seeds_needed([0.1, 0.1, 0.1]) == 2
    assert seeds_needed(differences_with(100)) == 2
    # A two-sided test at 0.05 settles 5 % of all cases without an effect.
    assert seeds_needed(differences_with(0.01), power=0.05) == 2
    assert seeds_needed([1e-9, 0.0]) is not None
    assert seeds_needed(differences_with(0.05)) is None
    assert seeds_needed([0.1, -0.1]) is None
    assert seeds_needed([0.1]) is None
    assert seeds_needed([]) is None


@pytest.mark.parametrize("name", ["power", "alpha"])
@pytest.mark.parametrize("level", [0, 1, 80])
def test_levels_are_between_zero_and_one(name, level):
    with pytest.raises(ValueError, match=f"`{name}` must lie.*{name}={level}"):
        seeds_needed([0.1, 0.2], **{name: level})


def test_without_scipy_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"scipy.*pip install .*\[plot\]"):
        significance.scipy_stats()
