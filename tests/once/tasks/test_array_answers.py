"""Answers of a user: one form, or a refusal that names the example."""

import numpy as np
import pytest

from keras_fpt.tasks.array_answers import read_answers


def objects(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        ([0, 1, 2], "int32"),
        (np.array([True, False, True]), "int32"),
        (objects(0, 1, 2), "int32"),
        (objects(True, False, np.True_), "int32"),
        ([0.5, 1.0, 2.0], "float32"),
        (objects(0.5, 1, np.float32(2)), "float32"),
        (np.array([[1.5], [2.0], [3.0]]), "float32"),
        (np.array([[0, 1], [1, 1], [0, 0]]), "int32"),
    ],
)
def test_forms_of_answers(y, dtype):
    answers = read_answers(y, 3)
    assert answers.dtype == dtype and len(answers) == 3


def test_names_of_classes():
    names = ["cat", "dog", "cat"]
    assert read_answers(names, 3).tolist() == names
    for form in (np.array(names, object), np.array(names, "S3")):
        answers = read_answers(form, 3)
        assert answers.dtype.kind == "U" and answers.tolist() == names


def test_whole_floats_are_numbers_with_a_warning():
    with pytest.warns(UserWarning, match="astype.int"):
        assert read_answers([0.0, 1.0, 1.0], 3).dtype == "float32"


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], "each of 3 examples.*(2,)"),
        ([0.0, np.nan, 1.0], "lacks an answer.*example 1"),
        (objects("a", None, "b"), "lacks an answer.*example 1"),
        (objects("a", "b", np.nan), "lacks an answer.*example 2"),
        (objects("a", 1, "b"), "Received: int, str"),
        (objects(b"\xff", b"a", b"b"), "UTF-8"),
        ([0.0, np.inf, 1.0], "NaN or infinite.*example 1"),
        ([0.0, 1e300, 1.0], "float32.*example 1"),
        ([0, 1, -1], "-1 at example 2"),
        ([0, 1, 2**32], "4294967296 at example 2"),
        ([[0], [0, 1], [1]], "rows that differ"),
        (np.eye(3), "y.argmax"),
        (np.zeros((3, 2, 2)), r"\(3, 2, 2\)"),
        (np.array([0, None, 1], object), "lacks an answer.*example 1"),
        (np.zeros(3, complex), "complex"),
    ],
)
def test_answers_that_are_refused(y, message):
    with pytest.raises(ValueError, match=message) as error:
        read_answers(y, 3)
    assert "\n" not in str(error.value)
