"""Ids, padding masks and classes: what no model can read is refused."""

import numpy as np
import pytest

from keras_fpt.checks import check_classes
from keras_fpt.checks import check_ids
from keras_fpt.checks import read_mask

MASK = np.array([[1, 1, 0], [1, 0, 0]])


def test_what_is_not_real_does_not_matter():
    check_ids(np.array([[1, 2, -100], [4, 99, 99]]), 5, MASK != 0)
    check_ids(np.zeros((0, 3), int), 5)


@pytest.mark.parametrize("dtype", ["bool", "int32", "uint8", "float32"])
def test_masks_of_zeros_and_ones(dtype):
    real = read_mask(MASK.astype(dtype), (2, 3), 1, first=True)
    assert real.dtype == bool
    np.testing.assert_array_equal(real, MASK)
    assert read_mask(MASK[:0], (0, 3), 1, True).shape == (0, 3)
    # Only the last real token cares where the padding is.
    read_mask(MASK[:, ::-1].astype(dtype), (2, 3), 1, first=False)


def test_classes_of_every_form():
    check_classes(np.array([0, 9, 3]), (10,))
    check_classes(np.array([[0.0], [9.0]]), (10,))
    check_classes(np.array([True, False]), (2,))
    check_classes(np.zeros((3, 4, 2), "uint8"), (4, 2, 5))
    check_classes(np.array([0, 255]), (10,), ignored=255)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_ids(np.array([[5]]), 5), r"0\.\.4.*0\.\.5"),
        (lambda: check_ids(np.array([[-1]]), 5), r"ids in -1\.\.0"),
        (lambda: check_ids(np.array([[1.0]]), 5), "float64"),
        (lambda: check_ids(np.array([[True]]), 5), "bool"),
        (lambda: read_mask(MASK[:, :2], (2, 3), 1, True), r"\(2, 2\)"),
        (lambda: read_mask(MASK * np.nan, (2, 3), 1, True), "Received: nan"),
        (lambda: read_mask(-1.0 * MASK, (2, 3), 1, True), "Received: -1.0"),
        (lambda: read_mask(MASK * 2, (2, 3), 1, True), "Received: 2"),
        (lambda: read_mask(MASK.astype(str), (2, 3), 1, True), "dtype <U"),
        (lambda: read_mask(MASK[:, ::-1], (2, 3), 1, True), "before a real"),
        (lambda: read_mask(0 * MASK, (2, 3), 1, False), "with 0: leave it"),
        (lambda: read_mask(MASK, (2, 3), 2, True), "the last 2 real .*with 1"),
        (lambda: check_classes(np.array([3, 10]), (10,)), "10 at example 1"),
        (lambda: check_classes(np.array([-1]), (10,)), "-1 at example 0"),
        (lambda: check_classes(np.array([0.5]), (10,)), "0.5 at example 0"),
        (lambda: check_classes(np.array([np.nan]), (10,)), "nan at example"),
        (lambda: check_classes(np.array(["a"]), (10,)), "dtype <U1"),
        (lambda: check_classes(np.eye(3), (3,)), r"\(batch,\).*\(3, 3\)"),
        (lambda: check_classes(np.zeros(3), (4, 2)), r"\(batch, 4\).*\(3,\)"),
        (lambda: check_classes(np.array(3), (4,)), r"shape \(\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
