"""Bit memory: the sizes of the paper, the query, the floor."""

import numpy as np
from helpers.arrays import draw

from keras_fpt import tasks


class TestBitMemory:
    def test_sizes_of_the_paper(self):
        task = tasks.get("bit_memory")
        assert task.inputs == (120, 50)
        assert task.outputs == (20, 50, 2)
        assert task.floor_accuracy == 0.75
        x, y = task.train_data(batch_size=4)[0]
        assert (x.shape, x.dtype) == ((4, 120, 50), "float32")
        assert (y.shape, y.dtype) == ((4, 20, 50), "int32")

    def test_the_query_is_one_of_the_strings_with_half_its_bits(self):
        x, y = draw(tasks.BitMemory(num_bits=100, patch_size=10))
        strings = x.reshape(2000, 6, 100)
        memory, query = strings[:, :5], strings[:, 5]
        answer = 2 * y.reshape(2000, 100) - 1
        visible = query != 0
        np.testing.assert_array_equal(query[visible], answer[visible])
        # Every answer is one of its five strings, each as often as the others.
        matches = (memory == answer[:, None]).all(axis=-1)
        assert (matches.sum(axis=1) == 1).all()
        shares = matches.mean(axis=0)
        np.testing.assert_allclose(shares, 0.2, atol=0.04)
        assert set(np.unique(memory)) == {-1.0, 1.0}
        np.testing.assert_allclose(visible.mean(), 0.5, atol=0.01)
        np.testing.assert_allclose(memory.mean(), 0.0, atol=0.01)

    def test_copying_what_is_visible_reaches_the_floor(self):
        task = tasks.get("bit_memory")
        x, y = draw(task, 100)
        copied = x[:, -20:] > 0  # a masked bit counts as 0
        np.testing.assert_allclose(
            (copied == y).mean(), task.floor_accuracy, atol=0.01
        )
