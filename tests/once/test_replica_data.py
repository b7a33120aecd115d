"""Arrays in batches, and batches of each replica's own."""

import numpy as np
import pytest

from keras_fpt.replica_data import ArrayBatches
from keras_fpt.replica_data import Zipped
from keras_fpt.replica_data import first_batch

X, Y = np.arange(10), np.arange(10) % 3


def rows(data):
    return [list(data[i][0]) for i in range(data.num_batches)]


def test_each_epoch_has_an_order_of_its_own():
    data = ArrayBatches((X, Y), 4, seed=0)
    first = rows(data)
    assert sorted(sum(first, [])) == list(X) and len(first[-1]) == 2
    assert all(list(y) == [x % 3 for x in own] for (own, y) in map(tuple, data))
    data.on_epoch_end()
    assert rows(data) != first
    data.restart()
    assert rows(data) == first
    assert rows(ArrayBatches((X, Y), 4, seed=1)) != first


def test_without_a_seed_the_order_of_the_arrays():
    data = ArrayBatches(({"tokens": X}, Y), 4, seed=None)
    data.on_epoch_end()
    assert list(data[2][0]["tokens"]) == [8, 9]


def test_arrays_of_two_lengths_or_none():
    with pytest.raises(ValueError, match=r"Received: \[9, 10\]"):
        ArrayBatches((X, Y[:9]), 4, seed=0)
    with pytest.raises(ValueError, match=r"Received: \[0\]"):
        ArrayBatches((X[:0], Y[:0]), 4, seed=0)


def test_one_batch_of_each():
    data = Zipped([ArrayBatches((X + 10 * i, Y), 4, None) for i in range(2)])
    x, y = data[2]
    assert data.num_batches == 3
    assert x.tolist() == [[8, 9], [18, 19]] and y.shape == (2, 2)
    with pytest.raises(ValueError, match="as many batches"):
        Zipped([ArrayBatches((X, Y), size, None) for size in (4, 8)])
    with pytest.raises(ValueError, match="PyDataset"):
        Zipped([iter([(X, Y)])] * 2)


def test_the_first_batch_is_still_there():
    batches = [(X[:4], Y[:4]), (X[4:], Y[4:])]
    for data in (iter(batches), batches):
        (x, _), again = first_batch(data)
        assert list(x) == [0, 1, 2, 3]
        assert [list(x) for x, _ in again] == [[0, 1, 2, 3], [4, 5, 6, 7, 8, 9]]
