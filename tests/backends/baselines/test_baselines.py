"""Baselines and controls: counts, freezes, files, and that they train."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.checks import check_freeze
from helpers.checks import check_learns
from helpers.checks import check_survives
from helpers.checks import check_trained_file
from helpers.checks import flags
from helpers.marks import each
from helpers.marks import once

import keras_fpt
from keras_fpt import baselines

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SIZES = {"inputs": (6, 3), "outputs": 2, "hidden_dim": 16, "dropout": 0.0}
X, Y = tokens(16, 6, 3), np.arange(16) % 2


def trained(model):
    counts = model.finetune_summary(print_fn=lambda text: None)
    return counts["total"]["trained"], counts


def fit(model, epochs=3):
    model.compile(keras.optimizers.Adam(1e-2), CROSS_ENTROPY)
    check_learns(model, X, Y, epochs)


def makers():
    """Every kind of baseline, small."""
    heads = {"num_heads": 2}
    return {
        "lstm": lambda **k: baselines.lstm(**SIZES, num_layers=2, seed=1, **k),
        "lstm_star": lambda **k: baselines.lstm(
            **SIZES,
            num_layers=2,
            residual=True,
            positions=True,
            layernorm_init="standard",
            initial_state="random",
            seed=1,
            **k,
        ),
        "transformer": lambda **k: baselines.transformer(
            **SIZES, num_layers=1, num_positions=8, seed=1, **heads, **k
        ),
        "no_trunk": lambda **k: baselines.no_trunk(**SIZES, **k),
        "one_attention_layer": lambda **k: baselines.one_attention_layer(
            **SIZES, num_positions=8, **heads, **k
        ),
    }


@pytest.fixture(params=each(*makers()))
def make(request):
    return makers()[request.param]


@once
def test_counts_of_the_paper():
    task = keras_fpt.tasks.get("cifar10")
    frozen = baselines.lstm(task, finetune="fpt")
    total, counts = trained(frozen)
    assert total == 86_794
    assert counts["layernorm"]["trained"] == 41_472
    assert counts["input"]["trained"] == 37_632
    assert counts["output"]["trained"] == 7_690
    # 2 x (768 x 3,072 + 3,072) in each of three layers
    assert counts["recurrent"] == {
        "trained": 0,
        "total": 14_174_208,
        "paper": 0,
    }
    total, _ = trained(baselines.lstm(task))
    assert total == 86_794 + 14_174_208


@once
def test_counts_of_the_others():
    task = keras_fpt.tasks.get("cifar10")
    total, _ = trained(baselines.no_trunk(task))
    assert total == 37_632 + 7_690
    one = baselines.one_attention_layer(task)
    # four projections, 1,024 positions, two norms
    projections = 4 * (768 * 768 + 768)
    assert trained(one)[0] == 45_322 + projections + 786_432 + 2 * 1_536
    three = baselines.transformer(task, num_layers=3)
    total, counts = trained(three)
    block = projections + 2 * 768 * 3_072 + 3_072 + 768
    assert counts["attention"]["trained"] == 3 * projections
    assert total == 45_322 + 3 * (block + 4 * 768) + 786_432 + 1_536


def test_they_train_and_come_back(make, tmp_path):
    model = make()
    assert all(variable.trainable for variable in model.weights)
    fit(model)
    drawn = getattr(model.trunk, "initial_state", "zeros") != "zeros"
    check_survives(model, tmp_path / "model.keras", None if drawn else X)


@pytest.mark.parametrize("name", each("lstm", "lstm_star"))
def test_frozen_lstm_is_bit_equal_after_fit(name, tmp_path):
    model = makers()[name](finetune="fpt")
    frozen = {path for path, trained in flags(model).items() if not trained}
    assert len(frozen) == 8
    assert all("/input/" in p or "/recurrent/" in p for p in frozen)
    check_freeze(model, fit)
    check_survives(model, tmp_path / "model.keras")


@once
def test_trained_values_alone_are_saved(tmp_path):
    model = makers()["lstm"](finetune="fpt")
    fit(model)
    path = tmp_path / "trained.safetensors"
    check_trained_file(model, path, makers()["lstm"](finetune="fpt"), X)
    other = baselines.lstm(**SIZES, num_layers=2, seed=2, finetune="fpt")
    with pytest.raises(ValueError, match="trained on other frozen weights"):
        other.load_trained(path)


@once
def test_a_seed_draws_one_lstm():
    one, again = (values(makers()["lstm"]().trunk.weights) for _ in range(2))
    for path, value in one.items():
        np.testing.assert_array_equal(again[path], value)
    # Drawn by NumPy: every backend has this value.
    kernel = one["lstm_0/recurrent/kernel"]
    np.testing.assert_allclose(kernel[0, 0], 0.163675204, atol=1e-7)
    assert np.abs(kernel).max() <= 0.25  # 1 / sqrt(16)


def test_padding_does_not_reach_an_lstm():
    arguments = {**SIZES, "padding_mask": True, "readout": "last_real"}
    model = baselines.lstm(**arguments, num_layers=2)
    mask = np.arange(6) < np.array([[6], [3]])
    x = tokens(2, 6, 3)
    before = model.predict({"tokens": x, "padding_mask": mask}, verbose=0)
    x[1, 3:] = 9.0
    after = model.predict({"tokens": x, "padding_mask": mask}, verbose=0)
    np.testing.assert_array_equal(after, before)


def test_nothing_mixes_tokens_without_a_trunk():
    model = makers()["no_trunk"]()
    other = X.copy()
    other[:, :-1] = 0
    np.testing.assert_allclose(
        model.predict(other, verbose=0), model.predict(X, verbose=0), atol=1e-6
    )
    bag = baselines.no_trunk(**SIZES, readout="mean")
    np.testing.assert_allclose(
        bag.predict(X[:, ::-1], verbose=0), bag.predict(X, verbose=0), atol=1e-5
    )


def test_attention_maps_of_one_layer_and_of_none():
    model = makers()["one_attention_layer"]()
    maps = keras_fpt.attention_maps(model, X)
    assert maps.shape == (16, 2, 6, 6)
    np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="attend.*LSTM layers"):
        keras_fpt.attention_maps(makers()["lstm"](), X)


@once
@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: baselines.lstm(inputs=(6, 3)), "Pass `task=`, or both"),
        (lambda: baselines.lstm(**SIZES, num_layers=0), "num_layers=0"),
        (lambda: baselines.lstm(**SIZES, layernorm_init="ones"), "'ones'"),
        (lambda: baselines.lstm(**SIZES, initial_state="ones"), "'ones'"),
        (
            lambda: baselines.lstm(**SIZES, finetune="attention"),
            "no group 'attention'.*layernorm, recurrent",
        ),
        (
            lambda: baselines.transformer(**SIZES, num_heads=3),
            "must divide `hidden_dim`",
        ),
        (
            lambda: baselines.one_attention_layer(**SIZES, num_heads=3),
            "must divide `hidden_dim`",
        ),
        (
            lambda: baselines.no_trunk(**SIZES, finetune="attention"),
            "no group 'attention'.*nothing",
        ),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
