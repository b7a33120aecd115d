"""Splits: stratified, seeded, groups whole, fewer examples among more."""

import numpy as np
import pytest

from keras_fpt.tasks.splits import check_shares
from keras_fpt.tasks.splits import first_rows
from keras_fpt.tasks.splits import split_rows

SHARES = (0.2, 0.2)
CLASSES = np.repeat([0, 1, 2], [60, 30, 10])


def test_every_row_is_in_one_split_and_classes_keep_their_shares():
    rows = split_rows(CLASSES, 100, SHARES, seed=0)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(100))
    for split, counts in (
        ("train", [36, 18, 6]),
        ("validation", [12, 6, 2]),
        ("test", [12, 6, 2]),
    ):
        assert np.bincount(CLASSES[rows[split]]).tolist() == counts


def test_it_follows_from_the_seed():
    one, again, other = (
        split_rows(CLASSES, 100, SHARES, seed)["test"].tolist()
        for seed in (1, 1, 2)
    )
    assert one == again != other


def test_without_classes():
    rows = split_rows(None, 50, SHARES, seed=0)
    assert [len(each) for each in rows.values()] == [30, 10, 10]


def test_groups_stay_whole_and_splits_have_about_their_shares():
    groups = np.random.default_rng(0).integers(25, size=400)
    classes = np.random.default_rng(1).integers(2, size=400)
    rows = split_rows(classes, 400, SHARES, 0, groups)
    seen = [set(groups[each]) for each in rows.values()]
    assert not seen[0] & seen[1] and not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    for each, share in zip(rows.values(), (0.6, 0.2, 0.2), strict=True):
        assert abs(len(each) / 400 - share) < 0.08
        assert abs(classes[each].mean() - classes.mean()) < 0.12


def test_three_groups_have_a_split_each():
    groups = np.repeat([7, 8, 9], [80, 10, 10])
    rows = split_rows(None, 100, SHARES, 0, groups)
    assert all(len(set(groups[each])) == 1 for each in rows.values())


def test_fewer_examples_are_among_more_and_keep_the_classes():
    rows = np.flatnonzero(np.arange(100) % 3)
    few, more = (first_rows(CLASSES, rows, n, seed=0) for n in (12, 30))
    assert set(few) < set(more) < set(rows)
    assert (len(few), len(more)) == (12, 30)
    counts = np.bincount(CLASSES[few], minlength=3)
    assert counts.min() >= 1 and abs(counts[0] - 7) <= 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: split_rows(np.array([0] * 9 + [1] * 2), 11, SHARES, 0),
            "2 examples of class 1",
        ),
        (lambda: split_rows(None, 2, SHARES, 0), "Received: 2 examples"),
        (lambda: split_rows(None, 9, SHARES, 0, np.zeros(9, int)), "1 groups"),
        (lambda: check_shares((0.0, 0.2)), "validation_share=0.0"),
        (lambda: check_shares((0.5, 0.5)), "nothing to train on"),
        (lambda: check_shares((0.1, "a")), "test_share='a'"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
