"""Arrays of NumPy's, with values of one kind, and a hash of them."""

import numpy as np
import pytest

from keras_fpt.tasks.array_values import as_array
from keras_fpt.tasks.array_values import hash_of
from keras_fpt.tasks.array_values import plain_values


def test_what_no_array_holds_is_refused():
    with pytest.raises(ValueError, match="of 2 rows that differ"):
        as_array([[1], [1, 2]], "x")
    assert as_array([1, 2], "x").tolist() == [1, 2]


def test_missing_values_of_any_kind():
    array = np.empty(3, object)
    for lost in (None, float("nan"), np.datetime64("NaT")):
        array[:] = ["a", "b", lost]
        with pytest.raises(ValueError, match="lacks a group.*example 2"):
            plain_values(array, "groups", "a group")
    pandas = pytest.importorskip("pandas")
    array[:] = ["a", "b", pandas.NA]
    with pytest.raises(ValueError, match="lacks a group.*example 2"):
        plain_values(array, "groups", "a group")


def test_the_hash_is_of_values_types_and_shapes():
    x = np.arange(6, dtype="<i4")
    assert hash_of([x]) == hash_of([x.astype(">i4")])
    others = [x + 1, x.astype("int64"), x.reshape(2, 3), None]
    assert len({hash_of([each]) for each in (x, *others)}) == 5
