"""Differences over seeds: pairs, intervals, verdicts, the test set's error."""

import math

import numpy as np
import pytest
from scipy import stats

from keras_fpt.experiments.statistics import Difference
from keras_fpt.experiments.statistics import corrected
from keras_fpt.experiments.statistics import paired_difference
from keras_fpt.experiments.statistics import rank_test
from keras_fpt.experiments.statistics import standard_error

NAN = float("nan")


def scores(*values):
    return dict(enumerate(values))


def made_up(count, gap=0.05, spread=0.02):
    """Scores of two models that vary together, as over shared seeds."""
    rng = np.random.default_rng(count)
    shared = rng.normal(0.7, 0.05, size=count)
    ours = shared + gap + rng.normal(0, spread, size=count)
    return scores(*ours), scores(*shared)


def test_standard_error():
    values = [0.81, 0.84, 0.9, 0.78]
    assert math.isclose(standard_error(values), stats.sem(values))
    assert math.isclose(standard_error(iter(values)), stats.sem(values))
    assert standard_error([0.8, np.float32(0.8), 0.8]) < 1e-7


def test_standard_error_needs_two_runs_that_did_not_diverge():
    assert standard_error([]) is None
    assert standard_error([0.8]) is None
    assert standard_error([0.8, None, NAN, -math.inf]) is None
    diverged = standard_error([0.8, None, 0.9, NAN])
    assert diverged == standard_error([0.8, 0.9])


@pytest.mark.parametrize("count", [2, 3, 5, 12])
@pytest.mark.parametrize("gap", [0.05, 0.0, -0.05])
def test_difference_is_that_of_scipys_paired_test(count, gap):
    ours, theirs = made_up(count, gap)
    difference = paired_difference(ours, theirs)
    a, b = (np.array(list(side.values())) for side in (ours, theirs))
    expected = stats.ttest_rel(a, b)
    np.testing.assert_allclose(difference.mean, (a - b).mean())
    np.testing.assert_allclose(
        difference.interval, expected.confidence_interval(0.95)
    )
    np.testing.assert_allclose(difference.p_value, expected.pvalue)
    assert difference.adjusted_p_value == difference.p_value
    assert (difference.num_pairs, difference.num_missing) == (count, 0)


def test_verdict_says_which_side_is_better():
    ours, theirs = made_up(6, gap=0.1)
    assert paired_difference(ours, theirs).verdict == "ahead"
    assert paired_difference(theirs, ours).verdict == "behind"
    errors = {"metric": "mse", "higher_is_better": False}
    assert paired_difference(ours, theirs, **errors).verdict == "behind"
    assert paired_difference(theirs, ours, **errors).verdict == "ahead"
    ours, theirs = made_up(6, gap=0.001)
    assert paired_difference(ours, theirs).verdict == "not settled"


def test_verdict_and_interval_agree():
    verdicts = set()
    for count in range(2, 40):
        difference = paired_difference(*made_up(count, gap=0.008))
        low, high = difference.interval
        assert (difference.verdict == "ahead") == (low > 0)
        assert (difference.verdict == "not settled") == (low <= 0 <= high)
        verdicts.add(difference.verdict)
    assert verdicts == {"ahead", "not settled"}


def test_sides_swapped_change_the_sign_only():
    ours, theirs = made_up(5)
    one = paired_difference(ours, theirs, test_size=100)
    two = paired_difference(theirs, ours, test_size=100)
    assert two.mean == -one.mean
    np.testing.assert_allclose(two.interval, [-b for b in one.interval[::-1]])
    assert (two.p_value, two.test_error) == (one.p_value, one.test_error)


def test_pairs_follow_seeds_and_not_their_order():
    ours, theirs = made_up(5)
    turned = dict(reversed(theirs.items()))
    assert paired_difference(ours, turned) == paired_difference(ours, theirs)
    shuffled = {seed: theirs[(seed + 1) % 5] for seed in theirs}
    other = paired_difference(ours, shuffled)
    assert other.interval != paired_difference(ours, theirs).interval


def test_only_seeds_that_both_have_are_paired():
    difference = paired_difference(
        {0: 0.9, 1: 0.8, 2: 0.7, 5: 0.1}, {1: 0.7, 2: 0.65, 3: 0.2, 0: 0.75}
    )
    np.testing.assert_allclose(sorted(difference.values), [0.05, 0.1, 0.15])
    assert (difference.num_pairs, difference.num_missing) == (3, 2)


@pytest.mark.parametrize("lost", [None, NAN, np.float32("nan"), -math.inf])
def test_a_diverged_run_is_a_missing_pair(lost):
    ours, theirs = made_up(6)
    expected = paired_difference(
        {seed: ours[seed] for seed in (0, 1, 2, 3)}, theirs
    )
    assert expected.num_missing == 2
    diverged = paired_difference({**ours, 4: lost}, {**theirs, 5: lost})
    assert diverged == expected
    assert (
        paired_difference({**ours, 4: lost}, {**theirs, 4: lost}).num_missing
        == 1
    )


def test_one_seed_has_a_mean_and_nothing_more():
    difference = paired_difference({3: 0.9}, {3: 0.6})
    assert math.isclose(difference.mean, 0.3)
    assert difference.interval is difference.p_value is None
    assert difference.verdict == "not settled"
    assert difference.num_seeds_needed is None


@pytest.mark.parametrize("theirs", [{}, {1: 0.5}, {0: None}])
def test_no_pair_at_all(theirs):
    difference = paired_difference({0: 0.9}, theirs, test_size=10)
    assert difference.mean is difference.interval is None
    assert difference.test_error is None
    assert difference.verdict == "not settled"
    assert difference.num_missing == len({0, *theirs})


def test_identical_differences_are_a_point():
    # 0.9 - 0.8 and 0.8 - 0.7 differ in the last bit.
    difference = paired_difference(scores(0.9, 0.8), scores(0.8, 0.7))
    assert difference.interval == (difference.mean, difference.mean)
    assert (difference.verdict, difference.p_value) == ("ahead", 0.0)
    difference = paired_difference(scores(0.7, 0.7), scores(0.8, 0.8))
    assert difference.verdict == "behind"
    assert difference.num_seeds_needed == 2


def test_identical_scores_are_not_settled():
    difference = paired_difference(scores(0.9, 0.8), scores(0.9, 0.8))
    assert difference.interval == (0.0, 0.0)
    assert (difference.verdict, difference.p_value) == ("not settled", 1.0)
    zeros = paired_difference(scores(0.0, 0.0), scores(0.0, 0.0))
    assert zeros.verdict == "not settled"


def test_rounding_is_no_difference():
    ours = scores(0.9, 0.8, 0.3)
    rounded = {seed: np.float32(score) for seed, score in ours.items()}
    assert paired_difference(ours, rounded).values == (0.0, 0.0, 0.0)
    # Relative to the scores: these are small, and apart.
    small = paired_difference(
        scores(2e-9, 3e-9), scores(1e-9, 2e-9), metric="mse"
    )
    assert small.verdict == "ahead"


def test_test_error_bounds_what_another_test_set_would_change():
    # Two models that are right on 90 % and 80 % of all examples; the errors
    # of the first are among those of the second.
    rng = np.random.default_rng(0)
    draws = rng.uniform(size=(4000, 500))
    once = ((draws < 0.9).mean(axis=1) - (draws < 0.8).mean(axis=1)).std()
    draws2 = rng.uniform(size=(4000, 500))
    apart = ((draws < 0.9).mean(axis=1) - (draws2 < 0.8).mean(axis=1)).std()
    error = paired_difference(scores(0.9), scores(0.8), 500).test_error
    assert math.isclose(error, math.sqrt((0.09 + 0.16) / 500))
    assert once < error
    assert abs(apart / error - 1) < 0.05


def test_test_error_is_of_accuracies_on_a_known_number_of_examples():
    ours, theirs = scores(0.9, 0.7), scores(0.8, 0.6)
    assert paired_difference(ours, theirs).test_error is None
    r2 = paired_difference(ours, theirs, 100, metric="r2")
    assert r2.test_error is None
    error = paired_difference(ours, theirs, np.int64(100)).test_error
    # Of the mean over seeds, which are tested on the same examples.
    assert math.isclose(error, math.sqrt((0.8 * 0.2 + 0.7 * 0.3) / 100))
    with pytest.raises(ValueError, match="`test_size` must be.*test_size=0"):
        paired_difference(ours, theirs, 0)


def test_percentages_are_refused_as_accuracies():
    with pytest.raises(ValueError, match="divide percentages.*90.5 to 92$"):
        paired_difference(scores(92, 91), scores(90.5, 91))
    negative = paired_difference(scores(-2, -3), scores(0.1, 0), metric="r2")
    assert negative.mean < 0


def test_lists_are_refused_as_scores():
    with pytest.raises(ValueError, match="`theirs` must map.*theirs=.0.8"):
        paired_difference(scores(0.9, 0.8), [0.8, 0.7])


def test_corrected_verdicts_follow_the_adjusted_p_values():
    # 0.03 is enough for one comparison, and too much for one of four.
    values = {"strong": 1e-6, "weak": 0.03, "a": 0.5, "b": 0.6}
    alone = {
        name: Difference((0.1, 0.2), (0.1, 0.2), p, p)
        for name, p in values.items()
    }
    alone["one seed"] = paired_difference({0: 0.9}, {0: 0.8})
    assert alone["weak"].verdict == "ahead"
    together = corrected(alone)
    assert list(together) == list(alone)
    assert together["strong"].verdict == "ahead"
    assert together["weak"].verdict == "not settled"
    assert math.isclose(together["weak"].adjusted_p_value, 3 * 0.03)
    for name, difference in together.items():
        assert difference.p_value == alone[name].p_value
        assert difference.interval == alone[name].interval
        assert difference.num_comparisons == 4
    assert together["one seed"].adjusted_p_value is None
    assert corrected(together) == together


def test_corrected_single_comparison_is_the_plain_one():
    difference = paired_difference(*made_up(4))
    assert corrected({"only": difference}) == {"only": difference}
    assert corrected({}) == {}
    single = {"one seed": paired_difference({0: 0.9}, {0: 0.8})}
    assert corrected(single) == single


def test_what_is_not_settled_needs_more_seeds_than_it_has():
    # Also where the correction is what unsettles it.
    for count in range(3, 30):
        plain = paired_difference(*made_up(count, gap=0.008))
        noise = {name: Difference((), None, 0.9, 0.9) for name in range(9)}
        for difference in (plain, corrected({"it": plain, **noise})["it"]):
            if difference.verdict == "not settled":
                needed = difference.num_seeds_needed
                assert needed is None or needed > count


def test_rank_test_is_that_of_scipy():
    ours, theirs = made_up(9, gap=0.01)
    expected = stats.wilcoxon(list(ours.values()), list(theirs.values()))
    assert math.isclose(rank_test(ours, theirs), expected.pvalue)
    assert rank_test(ours, theirs) == rank_test(theirs, ours)


def test_rank_test_counts_ties_exactly():
    # All of six signs agree: 2 / 2**6, however the differences round.
    tied = scores(0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
    ours = {seed: score + 0.1 for seed, score in tied.items()}
    assert math.isclose(rank_test(ours, tied), 2 / 2**6)
    # One in the other direction, of the same size: any of six could be.
    ours[0] = tied[0] - 0.1
    assert math.isclose(rank_test(ours, tied), 2 * 7 / 2**6)


def test_rank_test_leaves_out_differences_of_zero():
    # Fifteen and one: enough for scipy to approximate where zeros are left in.
    ours, theirs = made_up(15, gap=0.01)
    with_zero = rank_test({**ours, 15: 0.5}, {**theirs, 15: 0.5})
    assert with_zero == rank_test(ours, theirs)


def test_rank_test_of_equal_scores_settles_nothing():
    same = scores(0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
    assert rank_test(same, same) == 1.0
    assert rank_test({**same, 0: 0.9}, same) == 1.0


@pytest.mark.parametrize("count", [0, 1, 5])
def test_rank_test_refuses_fewer_than_six_seeds(count):
    ours, theirs = made_up(count)
    with pytest.raises(ValueError, match="at least 6 seeds.*0.0625") as error:
        rank_test(ours, {**theirs, 7: 0.5, 8: None})
    assert str(error.value).endswith(f"Received: {count}")
    assert "\n" not in str(error.value)
