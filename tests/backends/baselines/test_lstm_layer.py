"""The layer-norm LSTM: equal to an oracle written step by step."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.checks import check_layer
from helpers.marks import once

from keras_fpt.baselines import LayerNormLSTM
from keras_fpt.baselines import lstm_layer

# Through the step as Keras compiles it.
pytestmark = pytest.mark.compiled


def oracle(x, weights, kept=None):
    """One step after the other, in NumPy; `kept` are dropout's factors."""
    w = {path.split("/", 1)[1]: value for path, value in weights.items()}

    def norm(v, name):
        mean = v.mean(-1, keepdims=True)
        variance = v.var(-1, ddof=1, keepdims=True)
        v = (v - mean) / np.sqrt(variance + 1e-6)
        return v * w[f"{name}_layer_norm/gamma"] + w[f"{name}_layer_norm/beta"]

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    hidden = cell = np.zeros((len(x), w["recurrent/kernel"].shape[0]))
    outputs = []
    for t in range(x.shape[1]):
        given = x[:, t] @ w["input/kernel"] + w["input/bias"]
        recurrent = hidden @ w["recurrent/kernel"] + w["recurrent/bias"]
        gates = norm(given, "input") + norm(recurrent, "recurrent")
        enter, forget, leave, new = np.split(gates, 4, axis=-1)
        cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(new)
        cell = norm(cell, "cell")
        hidden = sigmoid(leave) * np.tanh(cell)
        if kept is not None:
            hidden = hidden * kept[:, t]
        outputs.append(hidden)
    return np.stack(outputs, axis=1)


def make(**arguments):
    layer = LayerNormLSTM(6, name="lstm", **arguments)
    layer.build((None, None, 5))
    return layer


@pytest.mark.parametrize("layernorm_init", ["original", "standard"])
def test_it_equals_the_oracle(layernorm_init):
    layer = make(layernorm_init=layernorm_init)
    rng = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(weight + rng.normal(size=weight.shape))
    x = tokens(3, 7, 5)
    computed = keras.ops.convert_to_numpy(layer(x))
    expected = oracle(x.astype("float64"), values(layer.weights))
    np.testing.assert_allclose(computed, expected, atol=1e-5)


def test_dropout_acts_on_what_goes_out_and_what_goes_back(monkeypatch):
    """As the original's code, which drops in place."""
    layer = make(hidden_dropout=0.25)
    rng = np.random.default_rng(1)
    kept = rng.choice([0.0, 4 / 3], (3, 7, 6)).astype("float32")
    monkeypatch.setattr(
        lstm_layer, "dropout", lambda x, rate, seeds: keras.ops.array(kept)
    )
    x = tokens(3, 7, 5)
    weights = values(layer.weights)
    for training, factors in ((True, kept), (False, None)):
        computed = keras.ops.convert_to_numpy(layer(x, training=training))
        expected = oracle(x.astype("float64"), weights, factors)
        np.testing.assert_allclose(computed, expected, atol=1e-5)


def test_dropout_draws_again_for_each_token():
    layer = make(hidden_dropout=0.5)
    x = tokens(20, 7, 5)
    hidden = keras.ops.convert_to_numpy(layer(x, training=True))
    zero = hidden == 0
    assert 0.4 < zero.mean() < 0.6
    assert (zero[:, 1:] != zero[:, :-1]).any(axis=(0, 2)).all()
    again = keras.ops.convert_to_numpy(layer(x, training=True))
    assert (zero != (again == 0)).any()


@pytest.mark.parametrize("dropout", [0.0, 0.25])
def test_it_is_a_layer(dropout):
    check_layer(
        lambda **k: LayerNormLSTM(6, hidden_dropout=dropout, **k),
        tokens(3, 7, 5),
        (3, 7, 6),
    )


@once
def test_a_dropout_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="hidden_dropout=1.5"):
        make(hidden_dropout=1.5)


def test_initial_norms():
    original = values(make(layernorm_init="original").weights)
    standard = values(make().weights)
    for path in (p for p in original if "_layer_norm/" in p):
        limit = 1 / np.sqrt(len(original[path]))
        assert 0 < np.abs(original[path]).max() <= limit
        assert set(standard[path]) == {1.0 if "gamma" in path else 0.0}


def test_random_first_state_differs_from_pass_to_pass():
    x = tokens(3, 7, 5)
    layer = make(initial_state="random")
    first, second = (keras.ops.convert_to_numpy(layer(x)) for _ in range(2))
    assert (first != second).any()
    layer = make()
    first, second = (keras.ops.convert_to_numpy(layer(x)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_count_of_norms():
    layer = LayerNormLSTM(768)
    layer.build((None, None, 768))
    norms = [v for v in layer.weights if "_layer_norm/" in v.path]
    assert sum(int(np.prod(v.shape)) for v in norms) == 13_824
