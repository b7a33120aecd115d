"""Checkpoints: the state of a run, written, read and refused."""

import keras
import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.records import ONE

import keras_fpt
from keras_fpt.experiments import unfinished
from keras_fpt.experiments.checkpoint import RunCheckpoint

TASK = keras_fpt.tasks.BitXor(num_bits=3)


def make():
    keras.utils.set_random_seed(0)
    model = keras_fpt.FrozenPretrainedTransformer(make_backbone(), task=TASK)
    model.compile(**TASK.compile_args(1e-2))
    return model


def train(model):
    data = TASK.train_data(4)
    model.fit(data, steps_per_epoch=2, shuffle=False, verbose=0)


def test_a_state_comes_back(tmp_path):
    folder = tmp_path / "unfinished"
    folder.mkdir()
    file = folder / unfinished.file_name([ONE])
    model = make()
    run = RunCheckpoint([model], file, [ONE])
    assert not run.load()
    train(model)
    run.remember_best(0)
    best = values(model.trainable_variables)
    train(model)
    run.state["step"] = 4
    run.save()
    assert [path.name for path in folder.iterdir()] == [file.name]
    assert unfinished.unfinished(tmp_path, {}) == [[ONE]]

    other = make()
    again = RunCheckpoint([other], file, [ONE])
    assert again.load() and again.state["step"] == 4
    assert again.state["interruptions"] == 1
    for path, value in values(model.trainable_variables).items():
        np.testing.assert_array_equal(values(other.weights)[path], value)
    again.restore_best(0)
    for path, value in best.items():
        np.testing.assert_array_equal(values(other.weights)[path], value)
    with pytest.raises(ValueError, match="is of keys.*delete"):
        RunCheckpoint([other], file, [ONE.replace(seed=9)]).load()


def test_somebodys_own_is_left_to_its_owner(tmp_path):
    """Nothing here knows what its names stand for."""

    class Mine(keras_fpt.tasks.BitXor):
        name = "mine"

    own = ONE.replace(task=Mine(num_bits=3), task_options=())
    (tmp_path / "unfinished").mkdir()
    file = tmp_path / "unfinished" / unfinished.file_name([own])
    RunCheckpoint([make()], file, [own]).save()
    assert unfinished.unfinished(tmp_path, {}) == []
    assert unfinished.unfinished(tmp_path, {own.key: own}) == [[own]]
