"""Sentences about comparisons, and about chosen learning rates."""

import pytest

from keras_fpt.experiments.significance import seeds_needed
from keras_fpt.experiments.statistics import Difference
from keras_fpt.experiments.statistics import corrected
from keras_fpt.experiments.statistics import paired_difference
from keras_fpt.experiments.verdicts import edge_mark
from keras_fpt.experiments.verdicts import edge_sentence
from keras_fpt.experiments.verdicts import is_level
from keras_fpt.experiments.verdicts import sentences

KNOWN = ("no_trunk", "random", "statistics", "lstm")
AHEAD = Difference((0.17, 0.18, 0.19), (0.162, 0.198), 1e-3, 1e-3)
BEHIND = Difference((-0.17, -0.18, -0.19), (-0.198, -0.162), 1e-3, 1e-3)
OPEN = Difference((-0.014, 0.006, -0.004), (-0.029, 0.021), 0.5, 0.5)
LEVEL = Difference((-0.001, 0.001, 0.003), (-0.004, 0.006), 0.5, 0.5)


def said(difference, row="pretrained", other="no_trunk", metric="accuracy"):
    """The sentence about one comparison, without what the numbers are."""
    return sentences(metric, {(row, other): difference})[0]


def test_ahead():
    assert said(AHEAD) == (
        "On this data a frozen transformer helps: 18.0 points ahead of no "
        "trunk [16.2, 19.8]."
    )
    assert said(AHEAD, other="random") == (
        "The pretrained values help: 18.0 points ahead of the same trunk with "
        "random values [16.2, 19.8]."
    )


def test_behind():
    assert said(BEHIND) == (
        "On this data a frozen transformer does harm: 18.0 points behind no "
        "trunk [-19.8, -16.2]."
    )


def test_not_settled_says_how_many_seeds_would_settle_it():
    needed = seeds_needed(OPEN.values)
    assert 3 < needed < 1000
    assert said(OPEN, other="random") == (
        "Whether the pretrained values help is not settled: -0.4 points "
        "against the same trunk with random values [-2.9, 2.1]; about "
        f"{needed} seeds would settle a difference of this size."
    )


def test_level_is_what_surely_differs_by_less_than_a_point():
    assert said(LEVEL, other="random") == (
        "The pretrained values change little: level with the same trunk with "
        "random values within one point, +0.1 points [-0.4, 0.6]."
    )


@pytest.mark.parametrize(
    "interval, level",
    [
        ((-0.004, 0.006), True),
        ((-0.01, 0.01), True),
        ((-0.004, 0.011), False),
        ((-0.011, 0.004), False),
        (None, False),
    ],
)
def test_level_takes_the_whole_interval(interval, level):
    difference = Difference((0.0, 0.002), interval, 0.5, 0.5)
    assert is_level("accuracy", difference) == level
    assert is_level("r2", difference) == level
    # Nobody knows whether 0.01 is little.
    assert not is_level("mse", difference)


def test_a_settled_difference_is_not_level_however_small():
    small = Difference((0.002, 0.003), (0.001, 0.004), 0.01, 0.01)
    assert not is_level("accuracy", small)
    assert "helps: 0.25 points ahead" not in said(small)
    assert "0.2 points ahead of no trunk [0.1, 0.4]" in said(small)


def test_a_correction_unsettles_what_is_behind_too():
    behind = Difference((-0.01, -0.03), (-0.038, -0.002), 0.03, 0.06, 2)
    assert "which excludes 0" in said(behind)
    assert "excludes" not in said(OPEN)


@pytest.mark.parametrize("other", KNOWN)
def test_each_verdict_has_its_own_words_for_each_known_row(other):
    verdicts = [
        said(difference, other=other)
        for difference in (AHEAD, BEHIND, LEVEL, OPEN)
    ]
    starts = {sentence.split(":")[0] for sentence in verdicts}
    assert len(starts) == 4
    ahead, behind, level, unsettled = verdicts
    assert " ahead of " in ahead and " behind " in behind
    assert " level with " in level and " is not settled: " in unsettled
    for sentence in verdicts:
        # Told in words, not by the names of rows.
        assert "pretrained is" not in sentence and "_" not in sentence
        assert sentence.endswith(".") and "\n" not in sentence
        assert " equal" not in sentence and " same as" not in sentence


def test_each_known_row_isolates_something_else():
    for difference in (AHEAD, BEHIND, LEVEL, OPEN):
        starts = {said(difference, other=o).split(":")[0] for o in KNOWN}
        assert len(starts) == len(KNOWN)


def test_own_rows_go_by_their_names():
    assert said(AHEAD, "mine", "his") == (
        "mine is 18.0 points ahead of his [16.2, 19.8]."
    )
    assert said(BEHIND, "mine", "his") == (
        "mine is 18.0 points behind his [-19.8, -16.2]."
    )
    assert said(LEVEL, "mine", "his").startswith(
        "mine is level with his within one point, +0.1 points [-0.4, 0.6]"
    )
    assert said(OPEN, "mine", "his").startswith(
        "Whether mine beats his is not settled: -0.4 points against his"
    )
    assert said(AHEAD, "pretrained", "his").startswith("pretrained is 18.0")
    assert said(AHEAD, "mine", "random").startswith("mine is 18.0")


def test_known_comparisons_come_first_and_those_of_controls_not_at_all():
    pairs = [
        ("mine", "lstm"),
        ("random", "lstm"),
        ("pretrained", "lstm"),
        ("no_trunk", "random"),
        ("pretrained", "no_trunk"),
        ("random", "pretrained"),
    ]
    first, second, third, fourth, _ = sentences(
        "accuracy", dict.fromkeys(pairs, AHEAD)
    )
    assert "of no trunk" in first
    assert "of a trained LSTM" in second
    assert third.startswith("mine is")
    assert fourth.startswith("random is 18.0 points ahead of pretrained")


def test_nothing_to_say():
    assert sentences("accuracy", {}) == []
    pairs = {("pretrained", "lstm"): AHEAD, ("random", "lstm"): AHEAD}
    assert len(sentences("accuracy", pairs)) == 2  # one and the legend
    # With nothing else to say, controls are compared as any rows are.
    assert "random" in sentences("accuracy", {("random", "lstm"): AHEAD})[0]


def test_other_metrics_are_plain_numbers():
    assert said(AHEAD, metric="r2").endswith(
        "helps: 0.180 ahead of no trunk [0.162, 0.198]."
    )
    assert "with no trunk within 0.01, +0.00100" in said(LEVEL, metric="r2")
    assert "point" not in "".join(
        sentences("mse", {("a", "b"): OPEN, ("a", "c"): LEVEL})
    )


def test_a_lower_error_is_ahead():
    ours = {0: 0.21, 1: 0.22, 2: 0.2}
    theirs = {0: 0.31, 1: 0.33, 2: 0.31}
    difference = paired_difference(
        ours, theirs, metric="mse", higher_is_better=False
    )
    sentence, legend = sentences("mse", {("pretrained", "lstm"): difference})
    assert sentence.startswith("The frozen transformer beats")
    assert "0.107 ahead of a trained LSTM [0.0" in sentence
    assert legend.endswith("Lower mse is better: positive numbers mean lower.")


def test_one_seed_and_none():
    one = paired_difference({0: 0.812}, {0: 0.8})
    assert said(one) == (
        "Whether a frozen transformer helps on this data is not settled: +1.2 "
        "points against no trunk with one seed, and an interval needs two."
    )
    none = paired_difference({0: 0.812}, {0: None})
    assert said(none) == (
        "Whether a frozen transformer helps on this data is not settled: no "
        "seed has a score of both. 1 seed is left out: a run is missing or "
        "diverged."
    )
    assert len(sentences("accuracy", {("a", "b"): one, ("a", "c"): none})) == 2


def test_identical_scores_are_level_and_need_no_seeds():
    same = paired_difference({0: 0.8, 1: 0.9}, {0: 0.8, 1: 0.9})
    assert said(same, "a", "b") == (
        "a is level with b within one point, 0.0 points [0.0, 0.0]."
    )
    same = paired_difference({0: 8, 1: 9}, {0: 8, 1: 9}, metric="mse")
    assert said(same, "a", "b", "mse") == (
        "Whether a beats b is not settled: 0.0 against b [0.0, 0.0]."
    )


def test_more_seeds_than_anyone_runs():
    tiny = Difference((0.1, -0.1, 0.001), (-0.25, 0.25), 0.99, 0.99)
    assert said(tiny).endswith(
        "; more than 1,000 seeds would settle a difference of this size."
    )


def test_missing_and_diverged_runs_are_told():
    difference = paired_difference(
        {0: 0.9, 1: 0.91, 2: None, 3: 0.9}, {0: 0.8, 1: 0.8, 2: 0.8}
    )
    assert said(difference).endswith(
        ". 2 seeds are left out: a run is missing or diverged."
    )


def test_a_small_test_set_is_told_where_it_matters():
    ours, theirs = {0: 0.84, 1: 0.85, 2: 0.84}, {0: 0.82, 1: 0.82, 2: 0.82}

    def compared(test_size):
        return said(paired_difference(ours, theirs, test_size))

    assert compared(500).endswith(
        " Another test set could turn this around: its size adds a standard "
        "error of up to 2.4 points."
    )
    assert "test set" not in compared(50_000)
    assert "test set" not in compared(None)
    # Nothing to turn around where nothing is settled.
    unsettled = paired_difference(ours, {0: 0.86, 1: 0.82, 2: 0.84}, 500)
    assert unsettled.test_error and "test set" not in said(unsettled)


def test_what_correction_unsettles_is_told():
    weak = Difference((0.01, 0.03, 0.02), (0.002, 0.038), 0.03, 0.03)
    names = {("pretrained", "no_trunk"): weak, ("pretrained", "lstm"): weak}
    assert " ahead of " in sentences("accuracy", names)[0]
    first, _, legend = sentences("accuracy", corrected(names))
    assert (
        "is not settled: +2.0 points against no trunk [0.2, 3.8], which "
        "excludes 0 but not after correction for 2 comparisons; about"
    ) in first
    assert legend.endswith(
        "Verdicts are corrected for 2 comparisons by Holm's method, intervals "
        "are not."
    )


def test_the_last_sentence_says_what_the_numbers_are():
    five = Difference((0.1,) * 5, (0.1, 0.1), 0.0, 0.0)
    pairs = {("a", "b"): AHEAD, ("a", "c"): AHEAD}
    assert sentences("accuracy", pairs)[-1] == (
        "Numbers are differences of accuracy in points (percent), brackets "
        "their 95 % intervals over 3 seeds."
    )
    legend = sentences("r2", {**pairs, ("a", "d"): five})[-1]
    assert legend.startswith("Numbers are differences of r2, brackets")
    assert "over 3 to 5 seeds" in legend


RATES = (1e-3, 1e-4, 3e-3, 1e-2)


def test_edge_of_the_learning_rates():
    assert edge_mark(1e-2, RATES) == "↑"
    assert edge_mark(1e-4, RATES) == "↓"
    assert edge_mark(1e-3, RATES) == edge_mark(3e-3, RATES) == ""
    assert edge_sentence("lstm", 1e-2, RATES) == (
        "↑ lstm did best at 0.01, the largest learning rate tried. A larger "
        "one may be better."
    )
    assert edge_sentence("mine", 1e-4, iter(RATES)) == (
        "↓ mine did best at 0.0001, the smallest learning rate tried. A "
        "smaller one may be better."
    )
    assert edge_sentence("lstm", 3e-3, RATES) is None


def test_a_single_learning_rate_was_not_chosen():
    assert edge_mark(1e-3, [1e-3]) == edge_mark(1e-3, [1e-3, 1e-3]) == ""
    assert edge_sentence("lstm", 1e-3, [1e-3]) == (
        "lstm: only one learning rate was tried, 0.001."
    )


@pytest.mark.parametrize(
    "function", [edge_mark, lambda *a: edge_sentence("", *a)]
)
def test_a_chosen_rate_is_one_of_those_tried(function):
    with pytest.raises(ValueError, match="0.001, 0.01. Received: 0.1"):
        function(0.1, (1e-3, 1e-2))
