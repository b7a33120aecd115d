"""What trains is changed between two fits: by hand, or by `set_finetune`."""

import gc
import math

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.checks import check_equal
from helpers.checks import check_freeze
from helpers.checks import check_survives
from helpers.checks import check_trained_file
from helpers.checks import flags
from helpers.marks import once

import keras_fpt
from keras_fpt.flags import flags_by_hand
from keras_fpt.flags import set_flags
from keras_fpt.flags import with_flags

FPT = keras_fpt.FrozenPretrainedTransformer
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
X, Y = tokens(8, 6, 3), np.arange(8) % 2
KERNEL = "transformer_layer_1/self_attention/query/kernel"


def make(**arguments):
    keras.utils.set_random_seed(0)
    arguments = {"inputs": (6, 3), "outputs": 2, "dropout": 0.0, **arguments}
    return FPT(make_backbone(), **arguments)


def train(model, **arguments):
    model.compile(keras.optimizers.Adam(0.01), LOSS, **arguments)
    model.fit(X, Y, verbose=0)


def unfreeze_block(model):
    model.trunk.blocks[-1].trainable = True


def unfreeze_variable(model):
    (kernel,) = (v for v in model.weights if v.path == KERNEL)
    kernel.trainable = True


def freeze_norm(model):
    model.trunk.final_norm.trainable = False


def freeze_input(model):
    model.get_layer("input_projection").trainable = False


def switch_trunk_off(model):
    model.get_layer("trunk").trainable = False


def through_the_trunk(model):
    model.trunk.set_finetune("attention[0]")


def set_finetune(model):
    model.set_finetune(("output", "attention[-1]"))


def freeze_block(model):
    model.trunk.blocks[0].trainable = False


WAYS = [
    unfreeze_block,
    freeze_block,
    unfreeze_variable,
    freeze_norm,
    freeze_input,
    switch_trunk_off,
    through_the_trunk,
    set_finetune,
]


@pytest.mark.parametrize("change", WAYS)
def test_what_trains_is_trained_counted_and_saved(change, tmp_path):
    model = make()
    before = flags(model)
    change(model)
    assert flags(model) != before
    counts = model.finetune_summary(lambda _: None)
    trained = sum(math.prod(v.shape) for v in model.trainable_variables)
    assert counts["total"]["trained"] == trained
    model.compile(keras.optimizers.Adam(0.01), LOSS)
    # The bias of the keys changes no attention: its gradient is rounding.
    check_freeze(model, lambda m: m.fit(X, Y, epochs=2, verbose=0))
    loaded = check_survives(model, tmp_path / "a.keras", X)
    loaded.fit(X, Y, verbose=0)
    fresh = make()
    change(fresh)
    check_trained_file(model, tmp_path / "a.safetensors", fresh, X)
    clone = keras.models.clone_model(model)
    assert flags(clone) == flags(model)
    sibling = model.sibling()
    assert flags(sibling) == flags(model)


@once
def test_a_group_that_was_unfrozen_by_hand_has_a_rate():
    model = make()
    unfreeze_block(model)
    before = values(model.weights)
    train(model, learning_rates={"attention": 0.0})
    after = values(model.weights)
    np.testing.assert_array_equal(after[KERNEL], before[KERNEL])
    dense = "transformer_layer_1/feedforward_output_dense/kernel"
    assert (after[dense] != before[dense]).any()


@once
def test_the_papers_count_of_what_was_unfrozen_by_hand():
    model, other = make(), make(finetune=("fpt", "attention[1]"))
    for variable in model.weights:
        if variable.path.startswith("transformer_layer_1/self_attention/"):
            variable.trainable = True
    assert flags(model) == flags(other)
    silent = [m.finetune_summary(lambda _: None) for m in (model, other)]
    assert silent[0] == silent[1]
    model = make(finetune="output_only")
    for block in model.trunk.blocks:
        block.trainable = True
    counts = model.finetune_summary(lambda _: None)["layernorm"]
    assert counts["paper"] == counts["trained"] == 2 * 2 * 2 * 16


def test_gradual_unfreezing_and_freezing_again(tmp_path):
    path = tmp_path / "a.safetensors"
    keras.utils.set_random_seed(0)
    model = FPT.from_preset(
        "gpt2_tiny_en",
        inputs=(6, 3),
        outputs=2,
        num_layers=1,
        finetune="output_only",
    )
    kernel = "transformer_layer_0/self_attention/query/kernel"
    before = values(model.weights)
    for finetune in ("output_only", ("fpt", "attention[-1]"), "fpt"):
        model.set_finetune(finetune)
        train(model)
    assert not flags(model)[kernel] and model.trunk.finetune == "fpt"
    assert (values(model.weights)[kernel] != before[kernel]).any()
    # What is frozen again is no pretrained value any more: it is written.
    loaded = check_survives(model, tmp_path / "a.keras", X)
    for source in (model, loaded, model.sibling()):
        source.save_trained(path)
        check_equal(FPT.from_trained(path).weights, source.weights)
    fresh = FPT.from_preset(
        "gpt2_tiny_en", inputs=(6, 3), outputs=2, num_layers=1
    )
    model.save_trained(path)
    fresh.load_trained(path)
    check_equal(fresh.weights, model.weights)
    fresh.save_trained(path)
    check_equal(FPT.from_trained(path).weights, model.weights)


@once
def test_a_file_tells_from_which_flags_it_comes(tmp_path):
    path = tmp_path / "a.safetensors"
    model = FPT.from_preset(
        "gpt2_tiny_en", inputs=(6, 3), outputs=2, num_layers=1
    )
    unfreeze_block(model)
    train(model)
    model.save_trained(path)
    again = FPT.from_trained(path)
    assert flags(again) == flags(model)
    np.testing.assert_array_equal(answers(again, X), answers(model, X))
    # Frozen by hand again, trained values are still no pretrained ones.
    model.trunk.blocks[-1].trainable = False
    model.save_trained(path)
    again = FPT.from_trained(path)
    assert flags(again) == flags(model)
    np.testing.assert_array_equal(answers(again, X), answers(model, X))


def test_training_inside_another_model_is_written_too(tmp_path):
    model = make(finetune=("fpt", "attention"))
    inputs = keras.Input((6, 3))
    outer = keras.Model(inputs, keras.layers.Softmax()(model(inputs)))
    outer.compile("adam", keras.losses.SparseCategoricalCrossentropy())
    outer.fit(X, Y, verbose=0)
    model.set_finetune("fpt")
    check_trained_file(model, tmp_path / "a.safetensors", make(), X)
    unfreeze_block(model)
    outer.save(tmp_path / "outer.keras")
    loaded = keras.saving.load_model(tmp_path / "outer.keras")
    assert flags(loaded) == flags(outer) and flags(loaded)[KERNEL]


@once
def test_an_optimizer_that_knows_other_variables(tmp_path):
    model = make()
    train(model)
    for change in (unfreeze_block, lambda m: m.set_finetune("output_only")):
        change(model)
        with pytest.raises(ValueError, match="compile it again.*15 when"):
            model.fit(X, Y, verbose=0)
        with pytest.raises(ValueError, match="compile it again"):
            model.train_on_batch(X, Y)
    model.set_finetune("fpt")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    loaded.set_finetune("full")
    with pytest.raises(ValueError, match="compile it again"):
        loaded.fit(X, Y, verbose=0)


@once
def test_switched_off_and_on_keeps_what_was_set_by_hand(tmp_path):
    model = make()
    unfreeze_block(model)
    chosen = flags(model)
    model.trainable = False
    loaded = check_survives(model, tmp_path / "a.keras")
    for one in (model, loaded):
        assert not any(flags(one).values())
        one.trainable = True
        assert flags(one) == chosen
        one.trainable = True
        assert flags(one) == chosen
    model.trainable = False
    model.set_finetune("output_only")
    assert not any(flags(model).values())
    model.trainable = True
    assert sum(flags(model).values()) == 2


@once
def test_a_trunk_that_trains_is_not_unfrozen_by_its_flag():
    model = make()
    with pytest.raises(ValueError, match=r'model.set_finetune\("full"\)'):
        model.get_layer("trunk").trainable = True
    with pytest.raises(ValueError, match="no group 'recurrent'"):
        model.set_finetune("recurrent")
    assert model.trunk.finetune == "fpt"


class TestSiblings:
    def test_training_what_is_shared_is_refused(self):
        model = make()
        sibling = model.sibling()
        for one in (model, sibling):
            with pytest.raises(ValueError, match="sibling computes with"):
                one.set_finetune("full")
            with pytest.raises(ValueError, match="sibling computes with"):
                one.trunk.set_finetune("full")
            assert one.trunk.finetune == "fpt"
        unfreeze_block(sibling)
        with pytest.raises(ValueError, match="sibling computes with"):
            train(sibling)

    @once
    def test_what_either_trains_is_its_own(self):
        model = make()
        sibling = model.sibling(finetune=("fpt", "attention[-1]"))
        sibling.set_finetune("fpt")
        sibling.set_finetune(("fpt", "attention[-1]"))
        before = values(model.weights)
        train(sibling)
        after = values(model.weights)
        assert all((after[p] == before[p]).all() for p in after)

    @once
    def test_a_sibling_that_is_gone_stops_nobody(self):
        model = make()
        model.sibling()
        gc.collect()
        model.set_finetune("full")
        train(model)


@once
def test_quantized_kernels_stay_frozen():
    model = make(quantization="int8")
    with pytest.raises(ValueError, match="quantized kernel cannot be trained"):
        model.set_finetune(("fpt", "attention"))
    model.set_finetune("output_only")
    assert sum(flags(model).values()) == 2


@once
def test_flags_and_rules_of_variables():
    model = make()
    rules = model.trunk.finetune_rules
    assert flags_by_hand(model.trunk.weights, rules) == {}
    set_flags(model.trunk.weights, {KERNEL: True})
    assert flags_by_hand(model.trunk.weights, rules) == {KERNEL: True}
    first, *others = with_flags(rules, {KERNEL: True})
    assert first.group == "attention" and first.trained
    assert tuple(others) == rules
    with pytest.raises(ValueError, match="lacks.*Received: nonesuch"):
        set_flags(model.weights, {"nonesuch": True})
