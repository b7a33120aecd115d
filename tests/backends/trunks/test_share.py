"""Many tasks on one trunk: frozen layers held once, the trained ones apart."""

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone_of
from helpers.checks import check_equal
from helpers.checks import check_survives
from helpers.marks import each
from helpers.marks import once

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def train(model, x):
    if not model.compiled:
        model.compile("adam", CROSS_ENTROPY)
    model.fit(x, np.arange(len(x)) % 2, epochs=2, verbose=0)


@pytest.fixture(params=each("gpt2", "bert", "t5", "vit"))
def pair(request):
    backbone = make_backbone_of(request.param)
    first = FPT(backbone, inputs=(7, 3), outputs=2, dropout=0.0)
    return first, first.sibling(inputs=(5, 4), outputs=2)


def test_frozen_variables_are_the_same_and_trained_ones_are_not(pair):
    first, second = pair
    theirs = {v.path: v for v in first.trunk.weights}
    assert {v.path for v in second.trunk.weights} == set(theirs)
    for variable in second.trunk.weights:
        block = "position" not in variable.path and "bias" not in variable.path
        if variable.trainable:
            assert variable is not theirs[variable.path]
        elif block and "relative" not in variable.path:
            assert variable is theirs[variable.path], variable.path
    for path, value in values(second.trunk.weights).items():
        np.testing.assert_array_equal(value, values([theirs[path]])[path])


def test_training_one_leaves_the_other(pair, tmp_path):
    first, second = pair
    x, other = tokens(8, 7, 3), tokens(8, 5, 4)
    before = answers(first, x)
    frozen = values(first.non_trainable_weights)
    train(second, other)
    np.testing.assert_array_equal(answers(first, x), before)
    train(first, x)
    train(second, other)
    after = values(second.non_trainable_weights)
    for path, value in frozen.items():
        np.testing.assert_array_equal(after[path], value)
    # Trained values are swapped without the trunk.
    second.save_trained(tmp_path / "second.safetensors")
    expected = answers(second, other)
    train(second, other)
    assert (answers(second, other) != expected).any()
    second.load_trained(tmp_path / "second.safetensors")
    np.testing.assert_allclose(answers(second, other), expected, atol=1e-6)


@once
def test_what_one_of_them_trains_is_not_shared(backbone):
    first = FPT(backbone, inputs=(7, 3), outputs=2, finetune="attention[-1]")
    second = first.sibling(inputs=(7, 3), outputs=2, finetune="output")
    theirs = {v.path: v for v in first.trunk.weights}
    same = {v.path for v in second.trunk.weights if v is theirs[v.path]}
    assert not any("layer_1/self_attention/" in path for path in same)
    assert "transformer_layer_0/self_attention/query/kernel" in same


@once
def test_a_sibling_is_saved_like_any_model(pair, tmp_path):
    _, second = pair
    x = tokens(4, 5, 4)
    check_survives(second, tmp_path / "model.keras", x)


def side_by_side(*models):
    """One functional model of siblings with the same input."""
    inputs = keras.Input((7, 3))
    joined = keras.Model(inputs, [model(inputs) for model in models])
    joined.compile("adam", [CROSS_ENTROPY] * len(models))
    return joined


def fit(joined, x):
    y = np.arange(len(x)) % 2
    joined.fit(x, [y] * len(joined.outputs), verbose=0)


def check_joined(joined, path, x):
    joined.save(path)
    loaded = keras.saving.load_model(path)
    for one, other in zip(
        answers_of(loaded, x), answers_of(joined, x), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    for variables in ("trainable_variables", "weights"):
        held = [
            {id(v) for v in getattr(m, variables)} for m in (loaded, joined)
        ]
        assert len(held[0]) == len(held[1])
    fit(loaded, x)
    return loaded


def answers_of(joined, x):
    return [keras.ops.convert_to_numpy(y) for y in joined(x, training=False)]


def test_siblings_in_one_model_come_back(tmp_path):
    x = tokens(8, 7, 3)
    first = FPT(make_backbone_of("gpt2"), inputs=(7, 3), outputs=2, name="a")
    joined = side_by_side(first, first.sibling(name="b"))
    fit(joined, x)
    loaded = check_joined(joined, tmp_path / "a.keras", x)
    # The frozen layers are held once again, and neither trains them.
    kernels = [
        next(
            v
            for v in loaded.get_layer(name).trunk.weights
            if v.path.endswith("query/kernel")
        )
        for name in "ab"
    ]
    assert kernels[0] is kernels[1]
    with pytest.raises(ValueError, match="sibling computes with"):
        loaded.get_layer("b").set_finetune("full")


@once
def test_siblings_that_share_different_layers_come_back(tmp_path):
    x = tokens(8, 7, 3)
    first = FPT(
        make_backbone_of("bert"),
        inputs=(7, 3),
        outputs=2,
        name="a",
        finetune=("fpt", "attention[0]"),
    )
    second = first.sibling(name="b", finetune="fpt")
    third = second.sibling(name="c")
    joined = side_by_side(first, second, third)
    fit(joined, x)
    first.set_finetune("fpt")
    loaded = check_joined(joined, tmp_path / "a.keras", x)
    clone = keras.models.clone_model(loaded)
    for name in "abc":
        trunks = [m.get_layer(name).trunk for m in (clone, loaded)]
        check_equal(*(trunk.weights for trunk in trunks))
