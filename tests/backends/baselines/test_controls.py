"""Controls: no trunk, one attention layer."""

import numpy as np
import pytest
from helpers.baseline_tests import SIZES
from helpers.baseline_tests import BaselineTests
from helpers.baseline_tests import X
from helpers.baseline_tests import make_baseline
from helpers.baseline_tests import trained
from helpers.marks import each
from helpers.marks import once

import keras_fpt
from keras_fpt import baselines


def test_nothing_mixes_tokens_without_a_trunk():
    model = make_baseline("no_trunk", readout="last")
    other = X.copy()
    other[:, :-1] = 0
    np.testing.assert_allclose(
        model.predict(other, verbose=0), model.predict(X, verbose=0), atol=1e-6
    )
    bag = make_baseline("no_trunk")
    np.testing.assert_allclose(
        bag.predict(X[:, ::-1], verbose=0), bag.predict(X, verbose=0), atol=1e-5
    )


def test_attention_maps_of_one_layer_and_of_none():
    model = make_baseline("one_attention_layer")
    maps = keras_fpt.attention_maps(model, X)
    assert maps.shape == (16, 2, 6, 6)
    np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="attend.*LSTM layers"):
        keras_fpt.attention_maps(make_baseline("lstm"), X)


@once
@pytest.mark.parametrize("name", ["no_trunk", "one_attention_layer"])
def test_the_mean_is_read_out_unless_told_otherwise(name):
    make = getattr(baselines, name)
    sizes = {"hidden_dim": 12}
    one = keras_fpt.tasks.get("mnist")
    assert make(one, **sizes).interface.readout == "mean"
    assert make(one, readout="last", **sizes).interface.readout == "last"
    # Each of several tokens has an answer of its own.
    many = keras_fpt.tasks.get("bit_xor")
    assert make(many, **sizes).interface.readout == "last"
    with pytest.raises(ValueError, match="needs to know which tokens"):
        make(one, readout="last_real", **sizes)


class TestBaseline(BaselineTests):
    NAMES = each("one_attention_layer", "no_trunk")


@once
def test_counts():
    task = keras_fpt.tasks.get("cifar10")
    assert trained(baselines.no_trunk(task))[0] == 37_632 + 7_690
    one = baselines.one_attention_layer(task)
    # four projections, 1,024 positions, two norms
    projections = 4 * (768 * 768 + 768)
    assert trained(one)[0] == 45_322 + projections + 786_432 + 2 * 1_536


@once
def test_refusals():
    with pytest.raises(ValueError, match="must divide `hidden_dim`"):
        baselines.one_attention_layer(**SIZES, num_heads=3)
    with pytest.raises(ValueError, match="no group 'attention'.*nothing"):
        baselines.no_trunk(**SIZES, finetune="attention")
