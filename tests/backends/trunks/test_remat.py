"""Gradient checkpointing: the same losses, with dropout too."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone_of
from helpers.checks import check_survives
from helpers.marks import each
from helpers.marks import once

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SIZES = {"inputs": (7, 3), "outputs": 2}
X, Y = tokens(8, 7, 3), np.arange(8) % 2
# Through the step as Keras compiles it.
pytestmark = pytest.mark.compiled


@once
def test_remat_trains_alike(backbone):
    losses = []
    for remat in (False, True):
        keras.utils.set_random_seed(0)
        model = FPT(
            backbone, inputs=(7, 3), outputs=2, dropout=0.0, remat=remat
        )
        model.compile(keras.optimizers.SGD(0.1), CROSS_ENTROPY)
        history = model.fit(
            tokens(8, 7, 3),
            np.arange(8) % 2,
            4,
            epochs=2,
            verbose=0,
            shuffle=False,
        )
        losses.append(history.history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize(
    "family", each("gpt2", "bert", "t5", "llama", "esm", "vit")
)
def test_losses_and_weights_are_the_same_with_dropout(family):
    """Both passes of a block drop the same units."""
    curves, ends = [], []
    for remat in (False, True):
        keras.utils.set_random_seed(3)
        model = FPT(
            make_backbone_of(family, **dropouts(family)),
            **SIZES,
            remat=remat,
            finetune=("fpt", "attention"),
            dropout=0.3,
        )
        model.compile(keras.optimizers.Adam(1e-2), CROSS_ENTROPY)
        history = model.fit(X, Y, epochs=3, verbose=0).history
        curves.append(history["loss"])
        ends.append(values(model.weights))
    assert curves[0][0] != curves[0][1]
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-4)
    for path, value in ends[0].items():
        np.testing.assert_allclose(ends[1][path], value, atol=1e-3)


@once
def test_it_is_kept(backbone, tmp_path):
    model = FPT(backbone, **SIZES, remat=True)
    loaded = check_survives(model, tmp_path / "model.keras", X)
    assert loaded.trunk.options.remat


def dropouts(family):
    if family == "vit":
        return {"dropout_rate": 0.3, "attention_dropout": 0.3}
    return {"dropout": 0.3}
