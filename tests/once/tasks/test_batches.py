"""Batches: endless and seeded, or a split in its order; refusals."""

import numpy as np
import pytest

from keras_fpt import tasks
from keras_fpt.tasks.batches import Batches


@pytest.mark.parametrize("name", ["bit_memory", "bit_xor"])
class TestStreams:
    def test_a_batch_follows_from_seed_and_position(self, name):
        task = tasks.get(name)
        stream, again = task.train_data(8, seed=3), task.train_data(8, seed=3)
        for index in (2, 0, 1):  # in any order
            for one, other in zip(stream[index], again[index], strict=True):
                np.testing.assert_array_equal(one, other)
        assert (stream[0][0] != stream[1][0]).any()
        other = task.train_data(8, seed=4)
        assert (stream[0][0] != other[0][0]).any()

    def test_start_goes_on_where_a_run_stopped(self, name):
        task = tasks.get(name)
        whole, rest = task.train_data(8), task.train_data(8, start=5)
        for index in range(3):
            np.testing.assert_array_equal(rest[index][0], whole[5 + index][0])

    def test_batches_hold_the_split_in_order(self, name):
        task = tasks.get(name)
        x, y = task.test_examples()
        batches = task.test_data(batch_size=300)
        parts = list(batches)
        assert batches.num_batches == 4
        assert [len(part[1]) for part in parts] == [300, 300, 300, 124]
        np.testing.assert_array_equal(np.concatenate([p[0] for p in parts]), x)
        np.testing.assert_array_equal(np.concatenate([p[1] for p in parts]), y)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: tasks.BitXor().train_data(0), "batch_size=0"),
        (lambda: tasks.BitXor().train_data(1, seed=-1), "seed=-1"),
        (lambda: tasks.BitXor().train_data(1, seed=2**32), "below 4294967296"),
        (lambda: tasks.BitXor().train_data(1, start=-1), "start=-1"),
        (lambda: tasks.BitXor().test_data(0), "batch_size=0"),
        (lambda: Batches(([1], [1]), -2), "batch_size=-2"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
