"""Tasks: streams and splits that follow from a seed, recipes, refusals."""

import numpy as np
import pytest
from helpers.processes import other_backend
from helpers.processes import run_python

from keras_fpt import tasks
from keras_fpt.optimizers import Adam


@pytest.mark.parametrize("name", ["bit_memory", "bit_xor"])
class TestStreams:
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
    assert type(adam) is Adam
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
        (lambda: tasks.get("bit_xor", variant="lra"), "'paper'.*'lra'"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
