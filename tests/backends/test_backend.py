"""What suits the backend: compiled by XLA where that pays."""

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.backbones import make_backbone
from helpers.backbones import make_backbone_of
from helpers.checks import check_equal
from helpers.marks import once

import keras_fpt
from keras_fpt import baselines
from keras_fpt.backend import own_paths

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


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


SIZES = {"inputs": (6, 3), "outputs": 2}
MAKE = {
    "preset": lambda: FPT.from_preset(
        "gpt2_tiny_en", **SIZES, num_layers=1, normalize=tokens(9, 6, 3), seed=1
    ),
    "backbone": lambda: FPT(
        make_backbone(), **SIZES, initialization="random", seed=1
    ),
    "bert": lambda: FPT(make_backbone_of("bert"), **SIZES),
    "t5": lambda: FPT(make_backbone_of("t5"), **SIZES, positions="learned"),
    "lstm": lambda: baselines.lstm(
        **SIZES, hidden_dim=16, num_layers=1, positions=True, seed=1
    ),
    "attention": lambda: baselines.one_attention_layer(
        **SIZES, hidden_dim=16, num_heads=2, seed=1
    ),
}


@pytest.mark.parametrize(
    "name", ["preset", *(pytest.param(n, marks=once) for n in list(MAKE)[1:])]
)
def test_a_scope_of_the_users_changes_no_path_and_no_value(name, tmp_path):
    keras.utils.set_random_seed(0)
    expected = MAKE[name]()
    keras.utils.set_random_seed(0)
    with keras.name_scope("experiment"), keras.name_scope("inner"):
        model = MAKE[name]()
        check_equal(model.trunk.weights, expected.trunk.weights)
        paths = [v.path for v in model.weights]
        assert paths == [v.path for v in expected.weights]
        model.save(tmp_path / "a.keras")
        model.save_trained(tmp_path / "a.safetensors")
        loaded = keras.saving.load_model(tmp_path / "a.keras")
        check_equal(loaded.weights, model.weights)
        if isinstance(model, FPT):
            check_equal(model.sibling().trunk.weights, model.trunk.weights)
    expected.load_trained(tmp_path / "a.safetensors")
    check_equal(expected.weights, model.weights)


@once
def test_a_backbone_from_a_scope_opens_outside_of_it():
    keras.utils.set_random_seed(0)
    with keras.name_scope("experiment"):
        backbones = [make_backbone(), make_backbone_of("bert")]
    for backbone in backbones:
        model = FPT(backbone, **SIZES)
        assert not any("experiment" in v.path for v in model.weights)
    keras.utils.set_random_seed(0)
    expected = FPT(make_backbone(), **SIZES).trunk.weights
    check_equal(FPT(backbones[0], **SIZES).trunk.weights, expected)


class InBuild(keras.layers.Layer):
    """A user's layer that makes its model when it is built."""

    def build(self, shape):
        self.model = FPT.from_preset("gpt2_tiny_en", **SIZES, num_layers=1)

    def call(self, x):
        return self.model(x)


class BuiltByFit(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = InBuild()

    def call(self, x):
        return self.inner(x)


def check_pretrained(layer):
    """The frozen kernels are those of the preset."""
    fresh = FPT.from_preset("gpt2_tiny_en", **SIZES, num_layers=1)
    kernels = [
        [v for v in model.weights if v.path.endswith("query/kernel")]
        for model in (layer.model, fresh)
    ]
    check_equal(*kernels)


def test_made_in_the_build_of_a_layer():
    model = keras.Sequential([keras.Input((6, 3)), InBuild()])
    model.compile("adam", CROSS_ENTROPY)
    x = tokens(8, 6, 3)
    model.fit(x, np.zeros(8), verbose=0)
    check_pretrained(model.layers[0])
    assert answers(model, x).shape == (8, 2)


def test_made_while_keras_traces():
    """Refused, but on TensorFlow, where Keras builds eagerly in the end."""
    model = BuiltByFit()
    model.compile("adam", CROSS_ENTROPY)
    x, y = tokens(8, 6, 3), np.zeros(8)
    if keras.backend.backend() == "tensorflow":
        model.fit(x, y, verbose=0)
        check_pretrained(model.inner)
        return
    with pytest.raises(ValueError, match="Make the model in `__init__`"):
        model.fit(x, y, verbose=0)


def test_paths_begin_at_the_root():
    with keras.name_scope("outer"), own_paths():
        layer = keras.layers.Dense(2, name="dense")
        layer.build((None, 3))
        assert keras.Variable([1.0], name="one").path == "one"
    assert layer.kernel.path == "dense/kernel"
