"""Every trunk: which tokens it returns, its blocks, its positions."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.checks import check_survives
from helpers.marks import each

import keras_fpt
from keras_fpt import trunks

FPT = keras_fpt.FrozenPretrainedTransformer


def test_attention_maps_in_mixed_precision(backbone):
    trunk = trunks.from_backbone(backbone)
    maps = []
    for dtype in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        with_dtype = type(trunk)(
            trunk.config, dtype=keras.dtype_policies.get(dtype)
        )
        for variable, value in zip(
            with_dtype.weights, values(trunk.weights).values(), strict=True
        ):
            variable.assign(value)
        model = FPT(with_dtype, inputs=(7, 3), outputs=2)
        maps.append(keras_fpt.attention_maps(model, tokens(4, 7, 3), layer=1))
    np.testing.assert_allclose(*maps, atol=0.02)


class TestLastTokens:
    def test_the_trunk_returns_what_is_read_alone(self, backbone):
        model = FPT(backbone, inputs=(7, 3), outputs=(2, 3), dropout=0.0)
        hidden = tokens(4, 7, 16)
        read = keras.ops.convert_to_numpy(model.trunk(hidden))
        model.trunk.last_tokens = None
        whole = keras.ops.convert_to_numpy(model.trunk(hidden))
        assert read.shape == (4, 2, 16) and whole.shape == (4, 7, 16)
        np.testing.assert_allclose(read, whole[:, -2:], atol=1e-6)

    @pytest.mark.parametrize("readout", ["mean", "last_real"])
    def test_other_readouts_get_all_tokens(self, backbone, readout):
        model = FPT(
            backbone,
            inputs=(7, 3),
            outputs=2,
            readout=readout,
            padding_mask=True,
        )
        assert model.trunk.last_tokens is None
        assert model.trunk(tokens(4, 7, 16)).shape == (4, 7, 16)


def test_num_layers_keeps_the_first_blocks():
    deep = make_backbone(num_layers=4)
    model = FPT(deep, inputs=(6, 3), outputs=4, num_layers=2)
    shallow = make_backbone(num_layers=2)
    theirs = {weight.path: weight for weight in deep.weights}
    for weight in shallow.weights:
        weight.assign(theirs[weight.path])
    expected = FPT(shallow, inputs=(6, 3), outputs=4)
    expected.set_weights(model.get_weights())
    assert len(model.trunk.blocks) == 2
    x = tokens(2, 6, 3)
    np.testing.assert_allclose(model.predict(x), expected.predict(x), atol=1e-6)


@pytest.mark.parametrize("num_positions", each(70, 20))
def test_position_table_of_another_size(backbone, num_positions, tmp_path):
    model = FPT(
        backbone, inputs=(20, 3), outputs=4, num_positions=num_positions
    )
    own = values(backbone.weights)["position_embedding/embeddings"]
    (path,) = [p for p in values(model.weights) if "position" in p]
    table = values(model.weights)[path]
    assert table.shape == (num_positions, 16)
    for row in range(num_positions):  # 32 of its own, then from the first on
        np.testing.assert_array_equal(table[row], own[row % 32])
    # Within the backbone's own positions, the model is the same.
    plain = FPT(backbone, inputs=(20, 3), outputs=4)
    copies = values(plain.weights)
    for weight, twin in zip(model.weights, plain.weights, strict=True):
        if "position" not in weight.path:
            weight.assign(copies[twin.path])
    x = tokens(5, 20, 3)
    expected = plain.predict(x, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    check_survives(model, tmp_path / "model.keras", x)
