"""Attention maps: rows sum to one, nobody looks ahead or at padding."""

import numpy as np
import pytest

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")


@pytest.mark.parametrize("layer", [0, 1, -1])
def test_rows_sum_to_one_and_nobody_looks_ahead(backbone, layer):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    maps = keras_fpt.attention_maps(model, X, layer)
    assert maps.shape == (4, 2, 6, 6)
    np.testing.assert_allclose(maps.sum(axis=-1), 1.0, atol=1e-5)
    assert not np.triu(maps, k=1).any()
    assert (np.tril(maps) > 0).sum() == 4 * 2 * 21
    last = keras_fpt.attention_maps(model, X, layer=1)
    assert np.array_equal(maps, last) == (layer != 0)


def test_maps_follow_the_trained_layers(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    before = keras_fpt.attention_maps(model, X)
    kernel = model.get_layer("input_projection").kernel
    kernel.assign(2 * kernel)
    assert np.abs(keras_fpt.attention_maps(model, X) - before).max() > 1e-4


def test_padding_is_not_looked_at(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=2, padding_mask=True)
    mask = np.arange(6) < np.array([[6], [4], [2], [1]])
    maps = keras_fpt.attention_maps(model, {"tokens": X, "padding_mask": mask})
    np.testing.assert_allclose(maps.sum(axis=-1), 1.0, atol=1e-5)
    for row, length in enumerate((6, 4, 2, 1)):
        assert not maps[row, :, :length, length:].any()


def test_tokens_may_be_named(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    named = keras_fpt.attention_maps(model, {"tokens": X})
    np.testing.assert_array_equal(named, keras_fpt.attention_maps(model, X))


def test_refusals(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    for layer in (2, -3):
        with pytest.raises(ValueError, match=rf"0\.\.1.*layer={layer}"):
            keras_fpt.attention_maps(model, X, layer=layer)
    with pytest.raises(ValueError, match=r"\(4, 6, 2\)"):
        keras_fpt.attention_maps(model, X[:, :, :2])
