"""Small baselines, and what must hold of each of them."""

import keras
import numpy as np

from helpers.arrays import tokens
from helpers.arrays import values
from helpers.checks import check_learns
from helpers.checks import check_model
from keras_fpt import baselines

SIZES = {"inputs": (6, 3), "outputs": 2, "hidden_dim": 16, "dropout": 0.0}
X, Y = tokens(16, 6, 3), np.arange(16) % 2
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def trained(model):
    counts = model.finetune_summary(print_fn=lambda text: None)
    return counts["total"]["trained"], counts


def fit(model, epochs=3):
    model.compile(keras.optimizers.Adam(1e-2), CROSS_ENTROPY)
    check_learns(model, X, Y, epochs)


def make_baseline(name, **arguments):
    """A small baseline, by its name."""
    heads = {"num_heads": 2}
    makers = {
        "lstm": lambda **k: baselines.lstm(**SIZES, num_layers=2, **k),
        "lstm_star": lambda **k: baselines.lstm(
            **SIZES,
            num_layers=2,
            residual=True,
            positions=True,
            layernorm_init="standard",
            initial_state="random",
            hidden_dropout=0.1,
            **k,
        ),
        "transformer": lambda **k: baselines.transformer(
            **SIZES, num_layers=1, num_positions=8, **heads, **k
        ),
        "no_trunk": lambda **k: baselines.no_trunk(**SIZES, **k),
        "one_attention_layer": lambda **k: baselines.one_attention_layer(
            **SIZES, num_positions=8, **heads, **k
        ),
    }
    return makers[name](**{"seed": 1, **arguments})


class BaselineTests:
    """It trains all of itself, comes back from a file and from its seed."""

    NAMES = ()

    def pytest_generate_tests(self, metafunc):
        if "name" in metafunc.fixturenames:
            metafunc.parametrize("name", self.NAMES)

    def test_it_trains_and_comes_back(self, name, tmp_path):
        model = make_baseline(name)
        assert all(variable.trainable for variable in model.weights)
        drawn = getattr(model.trunk, "initial_state", "zeros") != "zeros"
        check_model(model, X, Y, tmp_path / "model.keras", drawn=drawn)

    def test_a_seed_draws_all_initial_values(self, name):
        one, again, other = (
            values(make_baseline(name, seed=seed).weights) for seed in (1, 1, 2)
        )
        drawn = {path for path in one if one[path].std() > 0}
        assert {"head/kernel", "input_projection/kernel"} <= drawn
        for path, value in one.items():
            np.testing.assert_array_equal(again[path], value)
            assert (other[path] != value).any() == (path in drawn), path
