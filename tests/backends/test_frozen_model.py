"""The freeze: through fit, save, load and clone."""

import pathlib

import keras
import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.checks import check_equal
from helpers.checks import check_freeze
from helpers.checks import check_survives
from helpers.checks import check_survives_elsewhere
from helpers.checks import flags
from helpers.marks import once
from helpers.processes import other_backend

import keras_fpt

# Through the step as Keras compiles it.
pytestmark = pytest.mark.compiled
FPT = keras_fpt.FrozenPretrainedTransformer
FINETUNE = ("fpt", "attention[-1]")


@pytest.fixture(scope="module")
def fitted():
    """A model after some steps, and its weights before."""
    task = keras_fpt.tasks.get("bit_xor")
    keras.utils.set_random_seed(0)
    model = FPT(make_backbone(), task=task, finetune=FINETUNE)
    before = values(model.weights)
    model.compile(**task.compile_args())
    model.fit(task.train_data(8), steps_per_epoch=5, shuffle=False, verbose=0)
    return model, before


def test_frozen_weights_are_bit_equal_and_every_trained_group_moved(fitted):
    model, before = fitted
    after = values(model.weights)
    moved = set()
    for path, trained in flags(model).items():
        if not trained:
            np.testing.assert_array_equal(after[path], before[path])
        elif (after[path] != before[path]).any():
            moved.add(path.split("/")[0])
    assert {
        "input_projection",
        "position_embedding",
        "transformer_layer_0",
        "transformer_layer_1",
        "layer_norm",
        "head",
    } == moved
    kernel = "transformer_layer_1/self_attention/query/kernel"
    assert (after[kernel] != before[kernel]).any()


def test_saved_model_comes_back_frozen_and_goes_on(fitted, tmp_path):
    model, _ = fitted
    x, y = keras_fpt.tasks.get("bit_xor").test_data(64)[0]
    loaded = check_survives(model, tmp_path / "model.keras", x)
    # The optimizer came along and fits the variables that train.
    assert int(loaded.optimizer.iterations) == 5
    check_freeze(loaded, lambda loaded: loaded.fit(x, y, verbose=0))


@once
def test_saved_model_comes_back_in_a_process_that_has_just_begun(
    fitted, tmp_path
):
    x, _ = keras_fpt.tasks.get("bit_xor").test_data(64)[0]
    check_survives_elsewhere(fitted[0], tmp_path, x)
    backend = other_backend()
    check_survives_elsewhere(fitted[0], tmp_path, x, backend)


@once
def test_weights_file_comes_back(fitted, backbone, tmp_path):
    model, _ = fitted
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    task = keras_fpt.tasks.get("bit_xor")
    fresh = FPT(backbone, task=task, finetune=FINETUNE)
    fresh.load_weights(path)
    check_equal(fresh.weights, model.weights)


def test_config_makes_the_same_model(fitted):
    model, _ = fitted
    again = FPT.from_config(model.get_config())
    assert flags(again) == flags(model)
    assert again.get_config() == model.get_config()


@once
def test_switched_off_stays_off(backbone, tmp_path):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    model.trainable = False
    loaded = check_survives(model, tmp_path / "model.keras")
    assert not loaded.trainable_weights
    loaded.trainable = True
    assert len(loaded.trainable_weights) == 15


def test_clone_keeps_the_freeze(fitted):
    model, _ = fitted
    clone = keras.models.clone_model(model)
    assert flags(clone) == flags(model)
    clone.trainable = False
    clone.trainable = True
    frozen = "transformer_layer_0/self_attention/query/kernel"
    assert not flags(clone)[frozen]


@once
def test_part_of_a_model_keeps_the_freeze(fitted, tmp_path):
    """Cut out by functional means, saved as a plain Keras model."""
    model, _ = fitted
    part = keras.Model(model.input, model.get_layer("readout").output)
    part.save(tmp_path / "part.keras")
    loaded = keras.saving.load_model(tmp_path / "part.keras")
    assert flags(loaded) == {
        path: flag
        for path, flag in flags(model).items()
        if not path.startswith("head/")
    }


@once
@pytest.mark.parametrize(
    "arguments",
    [
        {"inputs": {"num_tokens": 8, "vocabulary_size": 11}, "outputs": (2, 3)},
        {"inputs": (8, 3), "outputs": 2, "initialization": "random", "seed": 4},
        {
            "inputs": (8, 3),
            "outputs": 2,
            "readout": "last_real",
            "padding_mask": True,
            "num_layers": 1,
            "finetune": "output_only",
        },
    ],
)
def test_every_kind_of_model_is_saved(backbone, arguments, tmp_path):
    model = FPT(backbone, **arguments)
    check_survives(model, tmp_path / "model.keras")


class TestSavedWhole:
    """A save that is cut short leaves the file of before."""

    @pytest.fixture
    def model(self, backbone):
        return FPT(backbone, inputs=(6, 3), outputs=4)

    @once
    @pytest.mark.parametrize(
        "name, save",
        [
            ("model.keras", "save"),
            ("model.h5", "save"),
            ("model.weights.h5", "save_weights"),
        ],
    )
    def test_what_fails_midway(self, model, name, save, tmp_path, monkeypatch):
        path = tmp_path / name
        getattr(model, save)(path)
        before = path.read_bytes()

        def fail(source, target):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("os.replace", fail)
            with pytest.raises(OSError, match=f"Cannot write .*{name}"):
                getattr(model, save)(path)
        assert path.read_bytes() == before
        assert [each.name for each in tmp_path.iterdir()] == [name]
        getattr(model, save)(str(path))

    @once
    def test_what_is_no_file(self, model, tmp_path):
        """Folders and shards are Keras' own; so is the question."""
        model.save(tmp_path / "folder", zipped=False)
        assert (tmp_path / "folder" / "config.json").is_file()
        model.save_weights(tmp_path / "a.weights.json", max_shard_size=1)
        with pytest.raises(ValueError, match="Invalid filepath extension"):
            model.save(tmp_path / "model.pt")

    @once
    def test_overwrite_is_asked_for(self, model, tmp_path, monkeypatch):
        path = tmp_path / "model.keras"
        path.write_text("mine")
        monkeypatch.setattr("builtins.input", lambda *_: "n")
        model.save(path, overwrite=False)
        assert path.read_text() == "mine"
        model.save(path)
        keras.saving.load_model(path)

    @once
    def test_a_trunk(self, model, backbone, tmp_path, monkeypatch):
        folder = tmp_path / "trunk"
        model.save_trunk(folder)
        before = (folder / "config.json").read_text()

        def cut(path):
            (pathlib.Path(path) / "config.json").write_text("{}")
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(model.trunk, "save_to_preset", cut)
            with pytest.raises(KeyboardInterrupt):
                model.save_trunk(folder)
        assert (folder / "config.json").read_text() == before
        assert [each.name for each in tmp_path.iterdir()] == ["trunk"]
        model.save_trunk(str(folder))
        FPT.from_preset(str(folder), inputs=(6, 3), outputs=4)
