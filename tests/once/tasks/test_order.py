"""Orders of rows: each once an epoch, of like length together."""

import numpy as np
import pytest

from keras_fpt.tasks.batches import Batches
from keras_fpt.tasks.order import FixedOrder
from keras_fpt.tasks.order import ShuffledOrder


class TestShuffledOrder:
    @pytest.mark.parametrize("num_rows, batch_size", [(103, 10), (7, 16)])
    def test_each_row_once_an_epoch(self, num_rows, batch_size):
        order = ShuffledOrder(num_rows, batch_size, seed=3)
        num_batches = 20 * num_rows // batch_size + 1
        rows = np.concatenate([order.rows(i) for i in range(num_batches)])
        epochs = rows[: 20 * num_rows].reshape(20, num_rows)
        for epoch in epochs:
            np.testing.assert_array_equal(np.sort(epoch), np.arange(num_rows))
        assert len({tuple(epoch) for epoch in epochs}) == 20

    def test_groups_share_batches_and_no_row_comes_twice(self):
        groups = np.random.default_rng(0).integers(4, size=103)
        order = ShuffledOrder(103, 10, seed=3, groups=groups)
        sat_out = set()
        for epoch in range(30):
            batches = [order.rows(10 * epoch + i) for i in range(10)]
            rows = np.concatenate(batches)
            assert len(np.unique(rows)) == 100
            sat_out |= set(range(103)) - set(rows)
            mixed = sum(len(set(groups[batch])) > 1 for batch in batches)
            assert mixed <= 3  # one at each border
        assert len(sat_out) > 30  # others in each epoch
        # Batches do not come by group.
        first = [groups[order.rows(i)].min() for i in range(10)]
        assert first != sorted(first)

    def test_another_seed_is_another_order(self):
        one, other = (ShuffledOrder(50, 10, seed) for seed in (0, 1))
        assert (one.rows(0) != other.rows(0)).any()


class TestFixedOrder:
    def test_by_length(self):
        lengths = np.repeat([8, 16, 32], [55, 30, 18])
        order = FixedOrder(103, 10, lengths)
        batches = [order.rows(i) for i in range(order.num_batches)]
        np.testing.assert_array_equal(
            np.sort(np.concatenate(batches)), np.arange(103)
        )
        longest = [lengths[batch].max() for batch in batches]
        assert longest[0] == 32
        assert longest != sorted(longest, reverse=True)
        assert sum(len(set(lengths[batch])) > 1 for batch in batches) <= 2

    def test_batches_say_which_rows_they_hold(self):
        tokens = np.arange(40).reshape(10, 4)
        lengths = np.array([2, 4, 2, 4, 2, 4, 2, 4, 2, 4])
        data = Batches(({"tokens": tokens}, np.arange(10)), 3, lengths)
        for index in range(4):
            x, y = data[index]
            rows = data.order.rows(index)
            np.testing.assert_array_equal(y, rows)
            length = lengths[rows].max()
            np.testing.assert_array_equal(x["tokens"], tokens[rows, :length])

    def test_arrays_of_one_axis_are_left_alone(self):
        x, _ = Batches((np.arange(5), np.arange(5)), 3)[1]
        np.testing.assert_array_equal(x, [3, 4])
