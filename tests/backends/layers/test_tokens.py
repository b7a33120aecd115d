"""The input layer: what a token is, and how it becomes a hidden vector."""

import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import make_backbone

import keras_fpt
from keras_fpt.layers.tokens import TokenSpec

FPT = keras_fpt.FrozenPretrainedTransformer


def test_initial_values():
    wide = make_backbone(hidden_dim=256, intermediate_dim=8)
    model = FPT(wide, inputs=(6, 50), outputs=2)
    weights = values(model.weights)
    kernel = weights["input_projection/kernel"]  # (50, 256)
    np.testing.assert_allclose(
        kernel @ kernel.T, 1.41**2 * np.eye(50), atol=1e-4
    )
    assert not weights["input_projection/bias"].any()
    ids = {"num_tokens": 6, "vocabulary_size": 100}
    model = FPT(wide, inputs=ids, outputs=2)
    table = values(model.weights)["input_embedding/embeddings"]
    assert table.shape == (100, 256)
    np.testing.assert_allclose([table.mean(), table.std()], [0, 1], atol=0.03)


@pytest.mark.parametrize("bad", [11, -1])
def test_ids_outside_the_vocabulary(backbone, bad):
    ids = {"num_tokens": 4, "vocabulary_size": 11}
    model = FPT(backbone, inputs=ids, outputs=2)
    x = np.zeros((2, 4), int)
    x[1, 2] = bad
    with pytest.raises(ValueError, match=r"0\.\.10"):
        model.predict(x, verbose=0)
    with pytest.raises(ValueError, match="float64"):
        model.predict(x.astype(float), verbose=0)


@pytest.mark.parametrize(
    "inputs", [(6, 3), {"num_tokens": 6, "vocabulary_size": 9}]
)
def test_a_spec_comes_back_from_its_configuration(inputs):
    spec = TokenSpec.of(inputs)
    assert TokenSpec.of(spec.config()) == spec
    whole = spec.model_input(variable_length=False)
    assert whole.shape[1] == 6
    assert spec.model_input(variable_length=True).shape[1] is None
    hidden = spec.embed(whole, hidden_dim=16, dropout=0.1)
    assert hidden.shape == (None, 6, 16)
