"""The LSTM: counts, freeze, files, draws, padding."""

import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.baseline_tests import SIZES
from helpers.baseline_tests import BaselineTests
from helpers.baseline_tests import X
from helpers.baseline_tests import fit
from helpers.baseline_tests import make_baseline
from helpers.baseline_tests import trained
from helpers.checks import check_freeze
from helpers.checks import check_survives
from helpers.checks import check_trained_file
from helpers.checks import flags
from helpers.marks import each
from helpers.marks import once

import keras_fpt
from keras_fpt import baselines
from keras_fpt.baselines.lstm import LSTMStack


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


@pytest.mark.parametrize("name", each("lstm", "lstm_star"))
def test_frozen_lstm_is_bit_equal_after_fit(name, tmp_path):
    model = make_baseline(name, finetune="fpt")
    frozen = {path for path, trained in flags(model).items() if not trained}
    assert len(frozen) == 8
    assert all("/input/" in p or "/recurrent/" in p for p in frozen)
    check_freeze(model, fit)
    check_survives(model, tmp_path / "model.keras")


@once
def test_trained_values_alone_are_saved(tmp_path):
    model = make_baseline("lstm", finetune="fpt")
    fit(model)
    path = tmp_path / "trained.safetensors"
    check_trained_file(model, path, make_baseline("lstm", finetune="fpt"), X)
    other = baselines.lstm(**SIZES, num_layers=2, seed=2, finetune="fpt")
    with pytest.raises(ValueError, match="trained on other frozen weights"):
        other.load_trained(path)


@once
def test_a_seed_draws_one_lstm():
    one, again = (values(make_baseline("lstm").trunk.weights) for _ in range(2))
    for path, value in one.items():
        np.testing.assert_array_equal(again[path], value)
    # Drawn by NumPy: every backend has this value.
    kernel = one["lstm_0/recurrent/kernel"]
    np.testing.assert_allclose(kernel[0, 0], 0.163675204, atol=1e-7)
    assert np.abs(kernel).max() <= 0.25  # 1 / sqrt(16)


@once
def test_it_is_fair_unless_told_otherwise():
    model = baselines.lstm(**SIZES)
    for block in model.trunk.blocks:
        assert block.layernorm_init == "standard"
        assert (block.initial_state, block.hidden_dropout) == ("zeros", 0.0)


def test_training_drops_what_a_prediction_keeps():
    model = make_baseline("lstm", hidden_dropout=0.5)
    one, again = (answers(model, X, training=True) for _ in range(2))
    assert (one != again).any()
    np.testing.assert_array_equal(answers(model, X), answers(model, X))


@once
def test_files_of_before_dropout_was_an_option_have_none():
    config = make_baseline("lstm").trunk.get_config()
    del config["hidden_dropout"]
    stack = LSTMStack.from_config(config)
    assert all(block.hidden_dropout == 0 for block in stack.blocks)


def test_padding_does_not_reach_an_lstm():
    arguments = {**SIZES, "padding_mask": True, "readout": "last_real"}
    model = baselines.lstm(**arguments, num_layers=2)
    mask = np.arange(6) < np.array([[6], [3]])
    x = tokens(2, 6, 3)
    before = model.predict({"tokens": x, "padding_mask": mask}, verbose=0)
    x[1, 3:] = 9.0
    after = model.predict({"tokens": x, "padding_mask": mask}, verbose=0)
    np.testing.assert_array_equal(after, before)


class TestBaseline(BaselineTests):
    NAMES = each("lstm", "lstm_star")


@once
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"outputs": None}, "Pass `task=`, or both"),
        ({"num_layers": 0}, "num_layers=0"),
        ({"layernorm_init": "ones"}, "'ones'"),
        ({"initial_state": "ones"}, "'ones'"),
        (
            {"finetune": "attention"},
            "no group 'attention'.*layernorm, recurrent",
        ),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        baselines.lstm(**{**SIZES, **arguments})
