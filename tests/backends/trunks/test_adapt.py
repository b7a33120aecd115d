"""A family of one's own, as CONTRIBUTING shows it."""

import re

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.checks import check_learns
from helpers.checks import check_survives
from helpers.marks import once
from helpers.processes import ROOT

import keras_fpt
from keras_fpt import trunks

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (7, 3), "outputs": 2, "dropout": 0.0}


@pytest.fixture
def backbone():
    import keras_nlp

    return keras_nlp.models.GPTNeoXBackbone(
        vocabulary_size=11,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=24,
    )


@pytest.fixture
def added():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    before = list(trunks.FAMILIES)
    exec(code, {})
    yield trunks.FAMILIES[-1]
    trunks.FAMILIES[:] = before


@once
def test_it_is_refused_before(backbone):
    with pytest.raises(
        ValueError, match="opens a GPTNeoXBackbone.*GPT2.*T5.*CONTRIBUTING"
    ):
        FPT(backbone, **SIZES)


@once
def test_it_computes_trains_and_comes_back(backbone, added, tmp_path):
    trunk = trunks.from_backbone(backbone)
    assert type(trunk) is added
    ids = np.arange(14).reshape(2, 7) % 11
    mask = np.ones_like(ids)
    expected = backbone({"token_ids": ids, "padding_mask": mask})
    computed = trunk(backbone.token_embedding(ids))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(computed),
        keras.ops.convert_to_numpy(expected),
        atol=1e-5,
    )
    model = FPT(backbone, **SIZES, initialization="random", seed=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
    x = tokens(8, 7, 3)
    check_learns(model, x, np.arange(8) % 2)
    trained = {v.path for v in model.trunk.trainable_weights}
    assert trained == {v.path for v in model.trunk.weights if "norm" in v.path}
    check_survives(model, tmp_path / "model.keras", x)
    with pytest.raises(NotImplementedError, match="`block_attention`"):
        keras_fpt.attention_maps(model, x)
