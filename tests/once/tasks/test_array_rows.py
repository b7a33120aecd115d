"""Rows of arrays: copied when asked for, chosen by split, counted."""

import numpy as np
import pytest

from keras_fpt.tasks.array_rows import ChosenRows
from keras_fpt.tasks.array_rows import choose_rows
from keras_fpt.tasks.array_rows import token_statistics

Y = np.arange(60) % 3
X = np.random.default_rng(0).normal(size=(60, 4, 3)).astype("float32")


def test_chosen_rows_are_those_of_the_array():
    chosen = ChosenRows(X, np.array([5, 9, 2]))
    assert len(chosen) == 3 and chosen.shape == (3, 4, 3)
    np.testing.assert_array_equal(chosen[np.array([2, 0])], X[[2, 5]])
    np.testing.assert_array_equal(chosen[:], X[[5, 9, 2]])


def test_few_examples_have_each_class():
    rare = np.where(np.arange(60) < 55, 0, 1)
    for seed in range(5):
        rows = choose_rows({"train": 60}, rare, (0.2, 0.2), seed, None, 2)
        assert sorted(rare[rows["train"]]) == [0, 1]


@pytest.mark.parametrize(
    ("groups", "count", "message"),
    [
        (None, 2, "none of class number"),
        (Y, None, "none of class number"),
        (None, 99, "There are 36 training examples"),
    ],
)
def test_training_rows_without_a_class_are_refused(groups, count, message):
    with pytest.raises(ValueError, match=message):
        choose_rows({"train": 60}, Y, (0.2, 0.2), 0, groups, count)


def test_statistics_are_those_of_numpy():
    lengths = np.random.default_rng(1).integers(1, 5, size=60)
    real = X[7:][np.arange(4) < lengths[7:, None]]
    mean, variance = token_statistics(X, lengths, np.arange(7, 60))
    np.testing.assert_allclose(mean, real.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, real.var(0), rtol=1e-5)
    # Also past the rows that are in float64 at once.
    many = np.tile(X, (100, 1, 1))
    mean, variance = token_statistics(many, None, np.arange(6000))
    np.testing.assert_allclose(variance, X.var((0, 1)), rtol=1e-5)


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_statistics_that_float32_does_not_hold(scale):
    x = X * np.float32(scale)
    with pytest.raises(ValueError, match="variance that is not in float32"):
        token_statistics(x, None, np.arange(60))
    # A number that never varies has no scale.
    same = token_statistics(np.ones_like(X), None, np.arange(60))
    assert same[1].tolist() == [0, 0, 0]
