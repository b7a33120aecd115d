"""What makes it fast computes what keras-nlp's own layers compute."""

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone_of
from helpers.marks import each
from helpers.marks import once
from helpers.marks import torch_only

import keras_fpt
from keras_fpt import trunks
from keras_fpt.layers.dropout import Dropout
from keras_fpt.trunks import torch_blocks
from keras_fpt.trunks.gpt2 import GPT2Trunk
from keras_fpt.trunks.opt import OPTTrunk
from keras_fpt.trunks.trunk import Trunk

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def by_keras_nlp(trunk_class):
    """The trunk with blocks that keras-nlp applies, to all tokens."""

    class ByKerasNLP(trunk_class):
        context = Trunk.context
        run_last_block = Trunk.run_last_block

        def run_block(self, block, x, context, training):
            return block(x, decoder_padding_mask=context, training=training)

    return ByKerasNLP


# Read tokens with the tokens that no padding mask hides.
READOUTS = [
    ({"outputs": 3}, None),
    ({"outputs": (2, 3)}, None),
    ({"outputs": 3, "readout": "mean", "padding_mask": True}, "after"),
    ({"outputs": (2, 3), "padding_mask": True}, "before"),
]


def make_batch(padded):
    x = tokens(4, 7, 3)
    if padded is None:
        return x
    mask = np.arange(7) < np.array([7, 5, 3, 4])[:, None]
    # In front, the first tokens see no token at all.
    mask = mask[:, ::-1] if padded == "before" else mask
    return {"tokens": x, "padding_mask": np.ascontiguousarray(mask)}


def check_against_keras_nlp(name, trunk_class, readout):
    arguments, padded = READOUTS[readout]
    x = make_batch(padded)
    y = np.arange(8).reshape(4, 2) % 3
    y = y if isinstance(arguments["outputs"], tuple) else y[:, 0]
    backbone = make_backbone_of(name)
    models = [
        FPT(
            kind.from_backbone(backbone),
            inputs=(7, 3),
            finetune="full",
            dropout=0.0,
            **arguments,
        )
        for kind in (trunk_class, by_keras_nlp(trunk_class))
    ]
    own, reference = models
    for variable, value in zip(
        reference.weights, values(own.weights).values(), strict=True
    ):
        variable.assign(value)
    np.testing.assert_allclose(
        answers(own, x), answers(reference, x), atol=1e-5
    )
    before = values(own.weights)
    for model in models:  # a step of length one: the gradients
        model.compile(keras.optimizers.SGD(1.0), CROSS_ENTROPY)
        model.train_on_batch(x, y)
    after = values(own.weights)
    moved = 0
    for path, value in values(reference.weights).items():
        np.testing.assert_allclose(after[path], value, atol=1e-5, err_msg=path)
        moved += (value != before[path]).any()
    assert moved > len(before) / 2


@pytest.mark.parametrize("readout", each(*range(len(READOUTS))))
@pytest.mark.parametrize(
    ("name", "trunk_class"), each(("gpt2", GPT2Trunk), ("opt", OPTTrunk))
)
def test_values_and_gradients_are_those_of_keras_nlp(
    name, trunk_class, readout
):
    check_against_keras_nlp(name, trunk_class, readout)


@torch_only
@pytest.mark.parametrize("readout", [0, 1])
def test_fused_attention_computes_the_same(readout, monkeypatch):
    monkeypatch.setattr(torch_blocks, "FUSED_FROM", 1)
    check_against_keras_nlp("gpt2", GPT2Trunk, readout)


def test_attention_maps_in_mixed_precision(backbone):
    trunk = trunks.from_backbone(backbone)
    maps = []
    for dtype in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        with_dtype = type(trunk)(
            trunk.sizes, dtype=keras.dtype_policies.get(dtype)
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

    @once
    def test_remat_trains_alike(self, backbone):
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


class TestDropout:
    x = np.ones((64, 50, 40), "float32")  # 128,000 draws

    def drop(self, rate=0.1, dtype="float32", seed=0):
        keras.utils.set_random_seed(seed)
        layer = Dropout(rate, dtype=dtype)
        y = layer(self.x, training=True)
        return keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))

    @pytest.mark.parametrize("rate", [0.1, 0.5, 0.003])
    def test_share_and_scale(self, rate):
        y = self.drop(rate)
        share = (y == 0).mean()
        error = np.sqrt(rate * (1 - rate) / y.size)
        assert abs(share - rate) < 4.5 * error
        np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-6)
        # Along every axis alike: no row, column or neighbour is favoured.
        dropped = (y == 0).astype("float64")
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            means = dropped.mean(axis=others)
            size = y.size / y.shape[axis]
            worst = np.abs(means - rate).max()
            assert worst < 5 * np.sqrt(rate * (1 - rate) / size) + 1e-5
            both = dropped * np.roll(dropped, 1, axis)
            assert abs(both.mean() - rate**2) < 6 * rate / np.sqrt(y.size)

    def test_seeds_and_draws(self):
        first = self.drop(seed=1)
        np.testing.assert_array_equal(first, self.drop(seed=1))
        assert (first != self.drop(seed=2)).any()
        layer = Dropout(0.5)
        one, two = (layer(self.x, training=True) for _ in range(2))
        assert 0.45 < np.mean(np.asarray(one) == np.asarray(two)) < 0.55

    def test_bfloat16_and_no_dropout(self):
        y = self.drop(0.25, "bfloat16")
        assert set(np.unique(y)) == {0.0, 1.3359375}  # 4/3 of 8 bits
        for layer, training in ((Dropout(0.5), False), (Dropout(0.0), True)):
            y = layer(self.x, training=training)
            np.testing.assert_array_equal(np.asarray(y), self.x)

    def test_gradients_pass_where_values_pass(self):
        """A linear model of one step: its gradient is its kept input."""
        x = keras.Input((400,))
        kept = Dropout(0.5)(x)
        model = keras.Model(
            x, keras.layers.Dense(1, kernel_initializer="zeros")(kept)
        )
        model.compile(keras.optimizers.SGD(1.0), lambda y, answer: -answer)
        model.train_on_batch(np.ones((1, 400)), np.zeros((1, 1)))
        kernel = np.asarray(values(model.weights)[model.weights[0].path])
        assert set(np.unique(kernel)) == {0.0, 2.0}
        assert 140 < (kernel == 0).sum() < 260


def test_jit_is_left_out_where_it_does_not_pay(backbone, tmp_path):
    model = FPT(backbone, inputs=(7, 3), outputs=2)
    model.compile("adam", CROSS_ENTROPY)
    on_jax = keras.backend.backend() == "jax"  # these tests run on CPUs
    assert model.jit_compile == on_jax
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.jit_compile == on_jax
    model.compile("adam", CROSS_ENTROPY, jit_compile=not on_jax)
    assert model.jit_compile != on_jax
    model.save(tmp_path / "model.keras")
    # What was chosen for one backend says nothing about another.
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.jit_compile == on_jax
