"""Bit XOR: parities, every input as often, a holdout."""

import numpy as np
import pytest
from helpers.arrays import draw

from keras_fpt import tasks


class TestBitXor:
    def test_sizes_of_the_paper(self):
        task = tasks.get("bit_xor")
        assert task.inputs == (10, 1)
        assert task.outputs == (5, 2)
        assert task.floor_accuracy == 0.5
        x, y = task.train_data(batch_size=4)[0]
        assert (x.shape, x.dtype) == ((4, 10, 1), "float32")
        assert (y.shape, y.dtype) == ((4, 5), "int32")

    @pytest.mark.parametrize("num_bits, num_patterns", [(5, 2), (4, 3), (9, 2)])
    def test_answers_are_parities(self, num_bits, num_patterns):
        x, y = draw(tasks.BitXor(num_bits, num_patterns))
        strings = x.reshape(2000, num_patterns, num_bits).astype(int)
        expected = strings[:, 0]
        for string in strings.swapaxes(0, 1)[1:]:
            expected = expected ^ string
        np.testing.assert_array_equal(y, expected)
        assert set(np.unique(x)) == {0.0, 1.0}
        np.testing.assert_allclose(x.mean(), 0.5, atol=0.02)

    def test_test_set_is_every_input_once(self):
        x, y = tasks.get("bit_xor").test_examples()
        assert len(np.unique(x.reshape(len(x), -1), axis=0)) == 1024 == len(x)

    def test_training_meets_every_input_as_often(self):
        x, _ = draw(tasks.get("bit_xor"), 102_400)
        place = x.reshape(len(x), 10) @ 2 ** np.arange(10)
        counts = np.bincount(place.astype(int), minlength=1024)
        # Poisson with mean 100: 60 and 150 lie four deviations away or more.
        assert 60 < counts.min() <= counts.max() < 150

    def test_holdout_keeps_test_inputs_out_of_training(self):
        task = tasks.get("bit_xor", holdout=0.25)
        seen = {tuple(row) for row in draw(task, 20_000)[0].reshape(-1, 10)}
        validation, _ = task.validation_examples()
        seen |= {tuple(row) for row in validation.reshape(-1, 10)}
        test = {tuple(row) for row in task.test_examples()[0].reshape(-1, 10)}
        assert len(test) == 256
        assert len(seen) == 768
        assert not seen & test

    def test_long_strings_are_not_listed(self):
        task = tasks.BitXor(num_bits=256)
        x, _ = task.test_examples()
        assert x.shape == (1024, 512, 1)
        assert len(np.unique(x.reshape(1024, -1), axis=0)) == 1024


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"holdout": 1.0}, "holdout=1.0"),
        ({"num_bits": 1, "holdout": 0.9}, "4 of 4 inputs.*holdout=0.9"),
        ({"num_bits": 1, "holdout": 0.1}, "0 of 4 inputs.*holdout=0.1"),
        ({"num_bits": 9, "holdout": 0.2}, "18 bits.*holdout=0.2"),
    ],
)
def test_a_holdout_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        tasks.BitXor(**arguments)
