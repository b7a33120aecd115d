"""Parts of arrays in one form: classes, numbers, lengths."""

import numpy as np
import pytest

from keras_fpt.tasks import array_parts
from keras_fpt.tasks.data_task import Data

X = np.ones((4, 5, 2), "float32")


def test_strings_and_numbers_become_classes_from_0():
    parts = {
        "train": Data(X, np.array(["b", "a", "b", "c"])),
        "test": Data(X[:2], np.array(["c", "a"])),
    }
    read, names, outputs = array_parts.read_parts(parts)
    assert (names, outputs) == (("a", "b", "c"), 3)
    assert read["train"].y.tolist() == [1, 0, 1, 2]
    assert read["test"].y.tolist() == [2, 0]
    unknown = {**parts, "test": Data(X[:2], np.array(["a", "d"]))}
    with pytest.raises(ValueError, match="Example 1 of test .*'d'"):
        array_parts.read_parts(unknown)


def test_numbers_to_predict_have_a_column_each():
    parts = {"train": Data(X, np.ones(4, "float32"))}
    read, names, outputs = array_parts.read_parts(parts)
    assert (names, outputs) == (None, 1)
    assert read["train"].y.shape == (4, 1)


def test_parts_of_other_lengths_are_padded_alike():
    parts = {"train": Data(X, None), "test": Data(X[:, :3], None)}
    padded, lengths = array_parts.pad_parts(
        {s: Data(part.x, np.zeros(4)) for s, part in parts.items()}
    )
    assert padded["test"].x.shape == (4, 5, 2)
    assert padded["test"].lengths.tolist() == [3] * 4
    assert lengths[-1] == 5 and not padded["test"].x[:, 3:].any()
    same, none = array_parts.pad_parts({"train": Data(X, np.zeros(4))})
    assert none == () and same["train"].lengths is None


def test_few_lengths_and_few_sequences_at_the_longest():
    lengths = np.r_[np.full(60, 2), np.full(38, 3), [9, 9]]
    x = np.ones((100, 9, 2), "float32")
    _, found = array_parts.pad_parts({"train": Data(x, np.zeros(100), lengths)})
    assert found == (2, 3, 9)


@pytest.mark.parametrize(
    "pair", [None, "xy", (X,), (X, X, X), X], ids=["0", "s", "1", "3", "array"]
)
def test_what_is_no_pair_is_refused(pair):
    with pytest.raises(ValueError, match="`test` is a pair"):
        array_parts.read_part(pair, "test")


def test_classes_as_ones_and_zeros():
    eye = np.eye(4, dtype="int32")[:, :3].copy()
    eye[3, 0] = 1
    with pytest.raises(ValueError, match="argmax"):
        array_parts.read_parts({"train": Data(X, eye)})
    # As many as tokens: each of them has an answer.
    places = np.eye(5, dtype="int32")[:4]
    _, _, outputs = array_parts.read_parts({"train": Data(X, places)})
    assert outputs == (5, 2)


def test_a_class_far_out_takes_no_memory():
    y = np.array([0, 1, 2**31 - 1, 0], "int32")
    with pytest.raises(ValueError, match="none of class 2"):
        array_parts.read_parts({"train": Data(X, y)})


def test_more_answers_than_tokens():
    for lengths in (None, np.array([5, 5, 2, 5])):
        parts = {"train": Data(X, np.zeros((4, 6)), lengths)}
        with pytest.raises(ValueError, match="at the last 6 tokens"):
            array_parts.check_readable(parts, 6)
