"""Checkpoints that are torn or foreign: named, and their runs start over."""

import json

import keras
import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.marks import once
from helpers.records import ONE

import keras_fpt
from keras_fpt.experiments import unfinished
from keras_fpt.experiments.checkpoint import RunCheckpoint

pytestmark = once
TASK = keras_fpt.tasks.BitXor(num_bits=3)


@pytest.fixture
def run(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras_fpt.FrozenPretrainedTransformer(make_backbone(), task=TASK)
    model.compile(**TASK.compile_args(1e-2))
    (tmp_path / "unfinished").mkdir()
    file = tmp_path / "unfinished" / unfinished.file_name([ONE])
    run = RunCheckpoint([model], file, [ONE])
    run.remember_best(0)
    run.save()
    return run


def changed(file, change):
    with np.load(file) as arrays:
        content = dict(arrays)
    change(content)
    np.savez(file, **content)


def in_state(**fields):
    def change(content):
        state = json.loads(content["state"].tobytes())
        written = json.dumps({**state, **fields}).encode()
        content["state"] = np.frombuffer(written, "uint8")

    return change


def lack_state(content):
    content.pop("state")


def lack_variable(content):
    content.pop("variable_3")


def lack_best(content):
    content.pop("best_0_1")


def misshape(content):
    content["variable_2"] = np.zeros((5, 5))


def foreign_state(content):
    content["state"] = np.frombuffer(b"[1, 2]", "uint8")


def cut(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_torn_one(run, share, tmp_path):
    cut(run.file, share)
    with pytest.warns(UserWarning, match=f"'{run.file}' is torn.*Delete it"):
        assert unfinished.unfinished(tmp_path, {}) == []
    before = values(run.models[0].weights)
    with pytest.warns(UserWarning, match="its runs start over"):
        assert run.load() is False
    for path, value in values(run.models[0].weights).items():
        np.testing.assert_array_equal(value, before[path])
    # The next evaluation puts a whole one in its place.
    run.save()
    assert unfinished.unfinished(tmp_path, {}) == [[ONE]]
    assert run.load()


@pytest.mark.parametrize(
    "change",
    [
        lack_state,
        foreign_state,
        in_state(keys=[1, 2]),
        in_state(keys=None),
        in_state(experiments=[{}]),
    ],
)
def test_a_foreign_one(run, change, tmp_path):
    changed(run.file, change)
    with pytest.warns(UserWarning, match=f"'{run.file}' is torn or of another"):
        assert unfinished.unfinished(tmp_path, {}) == []


@pytest.mark.parametrize("change", [lack_variable, lack_best, misshape])
def test_one_that_does_not_fit_changes_nothing(run, change):
    changed(run.file, change)
    before = values(run.models[0].weights)
    state = dict(run.state)
    with pytest.warns(UserWarning, match="its runs start over"):
        assert run.load() is False
    assert run.state == state
    for path, value in values(run.models[0].weights).items():
        np.testing.assert_array_equal(value, before[path])


def test_files_that_are_none_of_ours(tmp_path):
    folder = tmp_path / "unfinished"
    folder.mkdir()
    (folder / "notes.npz").write_text("mine")
    np.savez(folder / "arrays.npz", x=np.zeros(3))
    (folder / "notes.txt").write_text("mine")
    with pytest.warns(UserWarning, match="notes.npz|arrays.npz") as found:
        assert unfinished.unfinished(tmp_path, {}) == []
    assert len(found) == 2 and len(list(folder.iterdir())) == 3
