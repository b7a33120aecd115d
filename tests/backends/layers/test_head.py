"""The head: shapes of answers, and from which tokens."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer


@pytest.mark.parametrize(
    "outputs, shape",
    [(4, (5, 4)), ((2, 4), (5, 2, 4)), ((2, 3, 4), (5, 2, 3, 4))],
)
def test_output_shapes(backbone, outputs, shape):
    model = FPT(backbone, inputs=(6, 3), outputs=outputs)
    assert model(tokens(5, 6, 3)).shape == shape
    assert model.output_shape == (None, *shape[1:])


def test_last_tokens_are_read(backbone):
    one = FPT(backbone, inputs=(6, 3), outputs=4)
    two = FPT(backbone, inputs=(6, 3), outputs=(2, 4))
    two.set_weights(one.get_weights())
    x = tokens(5, 6, 3)
    np.testing.assert_allclose(two.predict(x)[:, 1], one.predict(x), atol=1e-6)


def test_initial_values():
    wide = make_backbone(hidden_dim=256, intermediate_dim=8)
    weights = values(FPT(wide, inputs=(6, 3), outputs=100).weights)
    for name in ("head/kernel", "head/bias"):
        limit = 1 / np.sqrt(256)
        assert np.abs(weights[name]).max() <= limit
        np.testing.assert_allclose(
            weights[name].std(), limit / np.sqrt(3), rtol=0.2
        )


def test_logits_are_in_float32_under_any_policy():
    """They feed a softmax."""
    half = make_backbone(dtype="mixed_bfloat16")
    model = FPT(half, inputs=(6, 3), outputs=(2, 4))
    answer = model(tokens(5, 6, 3))
    assert keras.backend.standardize_dtype(answer.dtype) == "float32"
