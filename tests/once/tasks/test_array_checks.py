"""Arrays of a user: one form, or a refusal that names the example."""

import numpy as np
import pytest

from keras_fpt.tasks.array_checks import read_answers
from keras_fpt.tasks.array_checks import read_tokens
from keras_fpt.tasks.array_checks import token_statistics

X = np.random.default_rng(0).normal(size=(5, 4, 3))
MASK = np.arange(4) < np.array([4, 2, 3, 1, 4])[:, None]


def changed(x, place, value):
    x = np.array(x)
    x[place] = value
    return x


def test_forms_of_tokens():
    tokens, lengths = read_tokens(X)
    assert (tokens.dtype, lengths) == ("float32", None)
    np.testing.assert_allclose(tokens, X, atol=1e-6)
    # Pixels, say.
    assert read_tokens(np.ones((5, 4, 3), "uint8"))[0].dtype == "float32"
    ids, lengths = read_tokens(np.ones((5, 4), "int64"))
    assert (ids.dtype, lengths) == ("int32", None)


def test_a_list_of_lengths_is_the_dict_with_its_mask():
    ragged = [x[mask] for x, mask in zip(X, MASK, strict=True)]
    tokens, lengths = read_tokens(ragged)
    padded = np.where(MASK[..., None], X, 0)
    masked, same = read_tokens({"tokens": padded, "padding_mask": MASK})
    np.testing.assert_array_equal(tokens, masked)
    np.testing.assert_array_equal(lengths, same)
    assert lengths.tolist() == [4, 2, 3, 1, 4]
    # An array of arrays, as files give them, is such a list.
    array = np.empty(5, object)
    array[:] = ragged
    np.testing.assert_array_equal(read_tokens(array)[0], tokens)


def test_what_stands_in_padding_does_not_matter():
    x = changed(X, (1, 3), np.nan)
    tokens, lengths = read_tokens({"tokens": x, "padding_mask": MASK})
    mean, variance = token_statistics(tokens, lengths)
    np.testing.assert_allclose(mean, X[MASK].mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, X[MASK].var(0), rtol=1e-5)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (changed(X, (3, 1, 2), np.nan), "NaN or infinite.*example 3"),
        (changed(X, (2, 0, 0), np.inf), "example 2"),
        (X * 1e60, "NaN or infinite.*example 0"),  # not in float32
        (X[0], "Expected ids.*float64; one number a token"),
        (X[0, 0], r"\(3,\); one number a token"),
        (X.astype(complex), "complex"),
        (np.array([["a", "b"]]), "hold numbers"),
        (-np.ones((2, 3), int), "Ids.*-1 at example 0"),
        (np.ones((0, 4, 3)), "is empty"),
        ([X[0], X[1, :0]], "Sequence 1 of `x` is empty"),
        ([X[0], X[1, :2, :2]], r"\(2, 2\) at example 1"),
        ({"tokens": X}, r"\['tokens'\]"),
        ({"tokens": X, "padding_mask": MASK[:, :2]}, r"\(5, 2\)"),
        (
            {"tokens": X, "padding_mask": changed(MASK, 3, False)},
            "Sequence 3 .*no real token",
        ),
        (
            {"tokens": X, "padding_mask": MASK[:, ::-1]},
            "Sequence 1 .*at the end",
        ),
    ],
)
def test_tokens_that_are_refused(x, message):
    with pytest.raises(ValueError, match=message) as error:
        read_tokens(x)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        ([0, 1, 2], "int32"),
        (np.array([True, False, True]), "int32"),
        ([0.5, 1.0, 2.0], "float32"),
        (np.array([[1.0], [2.0], [3.0]]), "float32"),
        (np.array([[0, 1], [1, 1], [0, 0]]), "int32"),
    ],
)
def test_forms_of_answers(y, dtype):
    answers = read_answers(y, 3)
    assert answers.dtype == dtype and len(answers) == 3


def test_names_of_classes():
    assert read_answers(["cat", "dog", "cat"], 3).tolist() == [
        *("cat", "dog", "cat")
    ]
    names = np.array(["cat", "dog", "cat"], object)
    assert read_answers(names, 3).dtype.kind == "U"


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], "each of 3 examples.*(2,)"),
        ([0.0, np.nan, 1.0], "NaN or infinite.*example 1"),
        ([0, 1, -1], "-1 at example 2"),
        (np.eye(3), "y.argmax"),
        (np.zeros((3, 2, 2)), r"\(3, 2, 2\)"),
        (np.array([0, None, 1], object), "NoneType"),
        (np.zeros(3, complex), "complex"),
    ],
)
def test_answers_that_are_refused(y, message):
    with pytest.raises(ValueError, match=message) as error:
        read_answers(y, 3)
    assert "\n" not in str(error.value)
