"""Tasks: streams and splits that follow from a seed, recipes, refusals."""

import numpy as np
import pytest
from helpers.processes import other_backend
from helpers.processes import run_python

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

    def test_splits_are_their_own_and_the_same_each_time(self, name):
        task, again = tasks.get(name), tasks.get(name)
        validation, test = task.validation_examples(), task.test_examples()
        assert len(validation[1]) == 256 and len(test[1]) == 1024
        np.testing.assert_array_equal(
            validation[0], again.validation_examples()[0]
        )
        np.testing.assert_array_equal(test[0], again.test_examples()[0])
        first = task.train_data(256, seed=0)[0][0]
        assert (validation[0] != test[0][:256]).any()
        assert (validation[0] != first).any()
        assert (test[0][:256] != first).any()

    def test_batches_hold_the_split_in_order(self, name):
        task = tasks.get(name)
        x, y = task.test_examples()
        batches = task.test_data(batch_size=300)
        parts = list(batches)
        assert batches.num_batches == 4
        assert [len(part[1]) for part in parts] == [300, 300, 300, 124]
        np.testing.assert_array_equal(np.concatenate([p[0] for p in parts]), x)
        np.testing.assert_array_equal(np.concatenate([p[1] for p in parts]), y)


STREAM = """
import hashlib
import keras_fpt
digest = hashlib.sha256()
for name in ("bit_memory", "bit_xor"):
    task = keras_fpt.tasks.get(name)
    for array in (*task.train_data(4, seed=1)[2], *task.test_examples()):
        digest.update(array.tobytes())
print(digest.hexdigest())
"""


def test_streams_are_the_same_on_another_backend():
    here = run_python(STREAM)
    assert run_python(STREAM, backend=other_backend()) == here


def test_recipe_is_the_originals():
    arguments = tasks.get("bit_xor").compile_args()
    adam = arguments["optimizer"]
    assert adam.epsilon == 1e-8
    assert adam.global_clipnorm == 1.0
    assert adam.beta_1 == 0.9 and adam.beta_2 == 0.999
    assert not adam.weight_decay
    assert float(np.array(adam.learning_rate)) == pytest.approx(1e-3)
    assert arguments["loss"].from_logits


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: tasks.get("bit_xr"), "'bit_xr'.* bit_memory, bit_xor.*Task"),
        (lambda: tasks.BitXor(patch_size=2), "num_bits=5, patch_size=2"),
        (lambda: tasks.BitMemory(num_bits=90), "num_bits=90, patch_size=50"),
        (lambda: tasks.BitXor(num_bits=0), "num_bits=0"),
        (lambda: tasks.BitMemory(num_patterns=2.5), "num_patterns=2.5"),
        (lambda: tasks.BitXor(holdout=1.0), "holdout=1.0"),
        (lambda: tasks.BitXor(1, holdout=0.9), "4 of 4 inputs.*holdout=0.9"),
        (lambda: tasks.BitXor(1, holdout=0.1), "0 of 4 inputs.*holdout=0.1"),
        (lambda: tasks.BitXor(num_bits=True), "num_bits=True"),
        (lambda: tasks.get("bit_xor", variant="lra"), "'paper'.*'lra'"),
        (lambda: tasks.BitXor(num_bits=9, holdout=0.2), "18 bits.*holdout=0.2"),
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
