"""The stack: its dtype, its positions, the one model that it serves."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.backbones import make_backbone
from helpers.checks import flags

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_longer_sequences_than_the_backbone_has_positions(backbone):
    with pytest.raises(ValueError, match="32 pos.* 70 .*num_positions=70"):
        FPT(backbone, inputs=(70, 3), outputs=4)
    model = FPT(backbone, inputs=(70, 3), outputs=4, num_positions=70)
    model.compile(keras.optimizers.Adam(1e-2), CROSS_ENTROPY)
    x, y = tokens(4, 70, 3), np.array([0, 1, 2, 3])
    losses = model.fit(x, y, epochs=9, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    with pytest.raises(ValueError, match="num_positions=0"):
        FPT(backbone, inputs=(6, 3), outputs=4, num_positions=0)


def test_float16_variables():
    half = make_backbone(dtype="float16")
    with pytest.raises(ValueError, match="float16 does not train"):
        FPT(half, inputs=(6, 3), outputs=2)


def test_trunk_of_another_model(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    with pytest.raises(ValueError, match="serves one model"):
        FPT(model.trunk, inputs=(6, 3), outputs=2, finetune="full")


def test_frozen_and_trainable_again_keeps_what_was_chosen(backbone):
    """`trainable = True` is no way around the freeze."""
    trunk = FPT(backbone, inputs=(6, 3), outputs=2).trunk
    chosen = flags(trunk)
    assert 0 < sum(chosen.values()) < len(chosen)
    trunk.trainable = False
    assert not any(flags(trunk).values())
    trunk.trainable = True
    assert flags(trunk) == chosen


def test_it_keeps_shapes_and_describes_itself(backbone):
    trunk = FPT(backbone, inputs=(6, 3), outputs=2).trunk
    assert trunk.describe() == "2 blocks of a backbone object"
    assert trunk.get_config()["finetune"] == "fpt"
