"""Strings of bits cut into tokens, for both bit tasks."""

import numpy as np
import pytest

from keras_fpt import tasks


@pytest.mark.parametrize("task", [tasks.BitXor, tasks.BitMemory])
def test_tokens_are_the_bits_in_order(task):
    """A token holds its bits side by side; none is lost, none moves."""
    whole, cut = task(num_bits=6, patch_size=6), task(num_bits=6, patch_size=2)
    assert cut.inputs == (3 * whole.inputs[0], 2)
    strings = np.random.default_rng(0).integers(2, size=(5, 2, 6))
    tokens = cut.to_tokens(strings)
    assert tokens.dtype == "float32"
    np.testing.assert_array_equal(tokens.reshape(5, 2, 6), strings)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: tasks.BitXor(patch_size=2), "num_bits=5, patch_size=2"),
        (lambda: tasks.BitMemory(num_bits=90), "num_bits=90, patch_size=50"),
        (lambda: tasks.BitXor(num_bits=0), "num_bits=0"),
        (lambda: tasks.BitMemory(num_patterns=2.5), "num_patterns=2.5"),
        (lambda: tasks.BitXor(num_bits=True), "num_bits=True"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
