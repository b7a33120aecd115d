"""Checks of batches that need no model."""

import keras
import numpy as np
import pytest

from keras_fpt.data_watch import DataWatch
from keras_fpt.data_watch import check_end
from keras_fpt.data_watch import is_near
from keras_fpt.data_watch import on_host


class Batches(keras.utils.PyDataset):
    num_batches = 3
    calls = 0

    def __getitem__(self, index):
        return np.full(2, index), np.zeros(2)

    def on_epoch_begin(self):
        self.calls += 1

    def on_epoch_end(self):
        self.calls += 10


def test_a_watched_data_set_is_the_same_data_set():
    seen = []
    watch = DataWatch(lambda x, y: seen.append(x[0]), answers=True)
    data = Batches(workers=3, max_queue_size=7)
    watched = watch.data(data)
    assert (watched.workers, watched.max_queue_size) == (3, 7)
    assert watched.num_batches == 3 and not watched.use_multiprocessing
    assert [int(x[0]) for x, _ in watched] == seen == [0, 1, 2]
    watched.on_epoch_begin()
    watched.on_epoch_end()
    assert data.calls == 11


def test_what_a_backend_made_of_a_refusal_is_the_refusal():
    def refuse(x, y):
        raise ValueError("no tokens")

    watch = DataWatch(refuse, answers=False)
    with pytest.raises(ValueError, match="^no tokens$"), watch:
        try:
            watch.batch(np.zeros(3))
        except ValueError as error:
            raise RuntimeError(f"in a graph\nof pages: {error}") from None
    # Other errors are their own.
    with pytest.raises(RuntimeError, match="disk"):
        with DataWatch(refuse, answers=False):
            raise RuntimeError("disk")


def test_what_is_on_the_host():
    tensor = keras.ops.convert_to_tensor([1.0, 2.0])
    assert is_near(np.zeros(3)) and is_near(None) and is_near(tensor)
    assert not is_near([1, 2])
    assert on_host(tensor).tolist() == [1.0, 2.0]
    symbol = keras.Input((3,))
    assert on_host(symbol) is symbol


def test_ends():
    check_end(Batches(), None, "steps", "predict")
    check_end(iter("abc"), None, "steps", "predict")
    with pytest.raises(ValueError, match="steps=0"):
        check_end(Batches(), 0, "steps", "predict")
    with pytest.raises(ValueError, match="one example.*ndarray with none"):
        check_end(np.zeros((0, 3)), None, "steps", "predict")
