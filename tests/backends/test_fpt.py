"""The model: what goes in, what comes out, whose weights it holds."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.checks import check_learns
from helpers.marks import once

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_backbone_of_the_user_stays_as_it_was(backbone):
    backbone.layer_norm.trainable = False  # a flag of the user's own
    before = values(backbone.weights)
    flags = [weight.trainable for weight in backbone.weights]
    model = FPT(backbone, inputs=(6, 3), outputs=4)
    model.compile("adam", CROSS_ENTROPY)
    model.fit(tokens(8, 6, 3), np.zeros(8, int), verbose=0)
    after = values(backbone.weights)
    for path in before:
        np.testing.assert_array_equal(after[path], before[path])
    assert [weight.trainable for weight in backbone.weights] == flags


@once
def test_two_models_of_one_backbone_do_not_disturb_each_other(backbone):
    first = FPT(backbone, inputs=(6, 3), outputs=4)
    second = FPT(backbone, inputs=(9, 2), outputs=2, finetune="full")
    before, flags = values(second.weights), len(second.trainable_weights)
    first.compile("adam", CROSS_ENTROPY)
    first.fit(tokens(8, 6, 3), np.zeros(8, int), verbose=0)
    after = values(second.weights)
    for path in before:
        np.testing.assert_array_equal(after[path], before[path])
    assert len(second.trainable_weights) == flags == len(second.weights)


def test_values_are_those_of_the_backbone(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=4)
    theirs = values(backbone.weights)
    for path, value in values(model.trunk.weights).items():
        np.testing.assert_array_equal(value, theirs[path])
    assert not any("token_embedding" in w.path for w in model.weights)


def test_random_follows_from_the_seed_alone(backbone):
    def trunk(seed):
        model = FPT(
            backbone,
            inputs=(6, 3),
            outputs=4,
            initialization="random",
            seed=seed,
        )
        return values(model.trunk.weights)

    one, again, other = trunk(1), trunk(1), trunk(2)
    for path in one:
        np.testing.assert_array_equal(one[path], again[path])
    kernel = "transformer_layer_0/self_attention/query/kernel"
    assert (one[kernel] != other[kernel]).any()
    # The same numbers on every backend, on any machine: checkpoints of a
    # random trunk name only its seed.
    np.testing.assert_allclose(
        one[kernel].ravel()[:3], RANDOM_SEED_1, atol=1e-7
    )


# numpy.random.default_rng((1, crc32(path))), times 0.02.
RANDOM_SEED_1 = (0.00358596, 0.01959426, -0.01090017)


@once
def test_random_is_the_scheme_of_the_backbone():
    wide = make_backbone(hidden_dim=64, intermediate_dim=256)
    model = FPT(wide, inputs=(6, 3), outputs=4, initialization="random", seed=0)
    for path, value in values(model.trunk.weights).items():
        if path.endswith("gamma"):
            assert (value == 1).all()
        elif path.endswith(("beta", "bias")):
            assert not value.any()
        else:
            np.testing.assert_allclose(value.std(), 0.02, rtol=0.1)
            np.testing.assert_allclose(value.mean(), 0, atol=2e-3)


def test_seed_of_a_random_trunk_comes_from_the_global_seed(backbone):
    def seed():
        keras.utils.set_random_seed(3)
        arguments = {"inputs": (6, 3), "outputs": 4}
        model = FPT(backbone, initialization="random", **arguments)
        return model.get_config()["seed"]

    assert seed() == seed() is not None


@once
def test_dropout_is_set_everywhere_by_from_preset(tmp_path, backbone):
    backbone.save_to_preset(str(tmp_path))
    model = FPT.from_preset(
        str(tmp_path), inputs=(6, 3), outputs=4, dropout=0.25
    )
    assert model.get_layer("input_dropout").rate == 0.25
    assert model.trunk.embeddings_dropout.rate == 0.25
    assert all(block.dropout == 0.25 for block in model.trunk.blocks)


@once
def test_backbone_object_keeps_its_own_dropout():
    model = FPT(make_backbone(dropout=0.3), inputs=(6, 3), outputs=4)
    assert model.get_layer("input_dropout").rate == 0.1
    assert all(block.dropout == 0.3 for block in model.trunk.blocks)


def test_dropout_acts_in_training_only(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=4, dropout=0.5)
    x = tokens(4, 6, 3)

    def logits(training):
        return keras.ops.convert_to_numpy(model(x, training=training))

    quiet = logits(training=False)
    np.testing.assert_array_equal(logits(training=False), quiet)
    assert (logits(training=True) != quiet).any()


def test_regression_and_multi_label_are_a_matter_of_the_loss(backbone):
    x = tokens(16, 6, 3)
    model = FPT(backbone, inputs=(6, 3), outputs=1, dropout=0.0)
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    check_learns(model, x, x.sum((1, 2)))
    model = FPT(backbone, inputs=(6, 3), outputs=5, dropout=0.0)
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    check_learns(model, x, np.ones((16, 5)))


@once
def test_summary_and_plot_name_the_four_parts(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=4)
    lines = []
    model.summary(print_fn=lambda line, line_break=True: lines.append(line))
    text = "\n".join(lines)
    for part in ("input_projection", "trunk (GPT2Trunk)", "readout", "head"):
        assert part in text
    trained = model.finetune_summary(lambda _: None)["total"]["trained"]
    assert f"Trainable params: {trained:,}" in text

    pytest.importorskip("pydot")
    dot = keras.utils.model_to_dot(model, show_shapes=True).to_string()
    for part in ("input_projection", "trunk", "readout", "head"):
        assert part in dot


def test_normalization_of_siblings(backbone):
    """A task's own, or this model's where inputs and outputs are the same."""
    x = 100 + tokens(8, 6, 3)

    class Plain(keras_fpt.tasks.Task):
        inputs, outputs = (6, 3), 2

    class Scaled(Plain):
        normalization = (np.full(3, 5, "float32"), np.full(3, 4, "float32"))

    def statistics(model):
        return model.get_config().get("normalize")

    scaled = [[5.0] * 3, [4.0] * 3]
    model = FPT(backbone, task=Plain(), normalize=x)
    own = statistics(model)
    np.testing.assert_allclose(own[0], x.mean((0, 1)), rtol=1e-5)
    sizes = {"inputs": (6, 3), "outputs": 2}
    for same in (
        model.sibling(),
        model.sibling(Plain()),
        model.sibling(**sizes),
        model.sibling().sibling(),
    ):
        assert statistics(same) == own
        with_own = values(same.weights)["normalization/mean"]
        np.testing.assert_array_equal(with_own, np.float32(own[0]))
    assert statistics(model.sibling(Scaled())) == scaled
    assert statistics(model.sibling(Scaled(), normalize=x)) == own
    assert statistics(model.sibling(Scaled(), normalize=False)) is False
    assert statistics(model.sibling(normalize=False)) is False
    assert statistics(model.sibling(keras_fpt.tasks.get("bit_xor"))) is None
    assert statistics(model.sibling(inputs=(5, 3), outputs=2)) is None
    assert statistics(FPT(backbone, task=Scaled())) == scaled
    assert statistics(FPT(backbone, task=Scaled(), normalize=False)) is False
    assert statistics(FPT(backbone, task=Plain())) is None
