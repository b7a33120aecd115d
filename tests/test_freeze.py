"""The freeze: through fit, save, load and clone."""

import keras
import numpy as np
import pytest
from conftest import values

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
FINETUNE = ("fpt", "attention[-1]")


@pytest.fixture
def fitted(backbone):
    """A model after some steps, and its weights before."""
    task = keras_fpt.tasks.get("bit_xor")
    model = FPT(backbone, task=task, finetune=FINETUNE)
    before = values(model.weights)
    model.compile(**task.compile_args())
    model.fit(task.train_data(8), steps_per_epoch=5, shuffle=False, verbose=0)
    return model, before


def flags(model):
    return {weight.path: weight.trainable for weight in model.weights}


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
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)

    assert isinstance(loaded, FPT)
    assert flags(loaded) == flags(model)
    x, y = keras_fpt.tasks.get("bit_xor").test_data(64)[0]
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    # The optimizer came along and fits the variables that train.
    assert int(loaded.optimizer.iterations) == 5
    before = values(loaded.weights)
    loaded.fit(x, y, epochs=1, verbose=0)
    after = values(loaded.weights)
    for weight_path, trained in flags(loaded).items():
        if not trained:
            np.testing.assert_array_equal(
                after[weight_path], before[weight_path]
            )


def test_weights_file_comes_back(fitted, backbone, tmp_path):
    model, _ = fitted
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    task = keras_fpt.tasks.get("bit_xor")
    fresh = FPT(backbone, task=task, finetune=FINETUNE)
    fresh.load_weights(path)
    for ours, theirs in zip(fresh.weights, model.weights, strict=True):
        np.testing.assert_array_equal(np.array(ours), np.array(theirs))


def test_config_makes_the_same_model(fitted):
    model, _ = fitted
    again = FPT.from_config(model.get_config())
    assert flags(again) == flags(model)
    assert again.get_config() == model.get_config()


def test_switched_off_stays_off(backbone, tmp_path):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    model.trainable = False
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
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
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert flags(loaded) == flags(model)
    assert loaded.get_config() == model.get_config()
    ours, theirs = values(loaded.weights), values(model.weights)
    for path in theirs:
        np.testing.assert_array_equal(ours[path], theirs[path])
