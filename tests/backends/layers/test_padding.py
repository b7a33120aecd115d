"""What stands at padded places enters no computation."""

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone

import keras_fpt
from keras_fpt.layers import ZeroPadding

MASK = np.arange(6) < np.array([6, 4, 2, 1])[:, None]
X = tokens(4, 6, 3)
Y = np.array([0, 1, 0, 1])
BUILD = {
    "trunk": lambda **a: keras_fpt.FrozenPretrainedTransformer(
        make_backbone(num_layers=1), **a
    ),
    "lstm": lambda **a: keras_fpt.baselines.lstm(hidden_dim=8, **a),
    "no_trunk": lambda **a: keras_fpt.baselines.no_trunk(hidden_dim=8, **a),
}


def test_zeros_where_there_is_padding():
    real = np.array([[True, False]])
    for x, expected in (
        (np.array([[3, -100]], "int32"), [[3, 0]]),
        (np.array([[[1e30], [np.nan]]], "float32"), [[[1e30], [0]]]),
    ):
        found = ZeroPadding(dtype="mixed_float16")(x, real)
        assert keras.backend.standardize_dtype(found.dtype) == str(x.dtype)
        expected = np.array(expected, x.dtype)
        found = keras.ops.convert_to_numpy(found)
        np.testing.assert_array_equal(found, expected)


def model_of(kind, readout, **arguments):
    keras.utils.set_random_seed(0)
    model = BUILD[kind](
        inputs=(6, 3),
        outputs=2,
        padding_mask=True,
        readout=readout,
        dropout=0.0,
        **arguments,
    )
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("junk", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("kind", BUILD)
def test_answers_do_not_see_it(kind, junk):
    dirty = np.where(MASK[..., None], X, np.float32(junk))
    for readout in ("last_real", "mean", "last"):
        model = model_of(kind, readout, normalize=([1, 2, 3], [1, 4, 9]))
        found, expected = (
            answers(model, {"tokens": x, "padding_mask": MASK})
            for x in (dirty, np.where(MASK[..., None], X, 0))
        )
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("readout", ["last_real", "mean"])
def test_training_does_not_see_it(readout):
    trained = []
    for junk in (0.0, np.nan):
        model = model_of("trunk", readout)
        x = np.where(MASK[..., None], X, np.float32(junk))
        loss = model.train_on_batch({"tokens": x, "padding_mask": MASK}, Y)
        assert np.isfinite(loss)
        trained.append(values(model.weights))
    for path, value in trained[0].items():
        np.testing.assert_array_equal(value, trained[1][path])


def test_the_layer_is_a_layer():
    layer = ZeroPadding()
    again = ZeroPadding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
