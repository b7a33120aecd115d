"""Arrays of a user: one form, or a refusal that names the example."""

import numpy as np
import pytest

from keras_fpt.tasks.array_checks import read_groups
from keras_fpt.tasks.array_checks import read_tokens

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


@pytest.mark.parametrize("junk", [np.nan, np.inf, 1e30, -7.0])
def test_what_stands_in_padding_does_not_matter(junk):
    padded = np.where(MASK[..., None], X, junk)
    tokens, _ = read_tokens({"tokens": padded, "padding_mask": MASK})
    np.testing.assert_array_equal(
        tokens, (X * MASK[..., None]).astype("float32")
    )
    ids = np.where(MASK, 3, -100)
    tokens, _ = read_tokens({"tokens": ids, "padding_mask": MASK})
    np.testing.assert_array_equal(tokens, 3 * MASK)


def test_lists_of_one_length_in_an_array_of_arrays():
    array = np.empty(5, object)
    array[:] = list(X)
    tokens, lengths = read_tokens(array)
    np.testing.assert_array_equal(tokens, X.astype("float32"))
    assert lengths is None


def test_tensors_of_pytorch():
    torch = pytest.importorskip("torch")
    tokens, _ = read_tokens(torch.tensor(X, requires_grad=True))
    np.testing.assert_array_equal(tokens, X.astype("float32"))


def test_no_copy_that_is_not_needed():
    mine = X.astype("float32")
    assert not np.may_share_memory(read_tokens(mine)[0], mine)
    masked = {"tokens": mine, "padding_mask": MASK}
    assert not np.may_share_memory(read_tokens(masked)[0], mine)
    # What nobody can write to, such as a file in memory, is not copied.
    mine.flags.writeable = False
    assert np.may_share_memory(read_tokens(mine)[0], mine)


def test_groups_are_numbers():
    assert read_groups(["b", "a", "b"], 3).tolist() == [1, 0, 1]
    for groups, message in (
        ([1.0, np.nan, 2.0], "lacks a group.*example 1"),
        (["a", None, "b"], "lacks a group.*example 1"),
        (np.array([1, "a", 2], object), "Received: int, str"),
        (np.ones((3, 1)), r"\(3, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            read_groups(groups, 3)


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
        (np.ma.masked_array(X, X > 1), "masked array"),
        ([[[1.0], [2.0]], [[1.0], [2.0, 3.0]]], "rows that differ"),
        ({"tokens": [X[0], X[1, :2]], "padding_mask": MASK}, "that differ"),
        ((x for x in X), "Received: generator"),
        ([None, X[0]], "object at example 0"),
        (np.full((5, 4), 2**32), "Received: 4294967296"),
        (np.full((5, 4), 10**6), "rows of a table"),
        ({"tokens": X, "padding_mask": MASK * np.nan}, "Received: nan"),
        ({"tokens": X, "padding_mask": MASK - 1.0}, "Received: -1.0"),
        ({"tokens": X, "padding_mask": MASK.astype(str)}, "Received: <U5"),
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
