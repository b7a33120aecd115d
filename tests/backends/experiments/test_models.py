"""Models of experiments: built by name, and paired by a seed."""

import keras
import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.marks import once

import keras_fpt
from keras_fpt.experiments import models
from keras_fpt.experiments.experiment import options
from keras_fpt.experiments.models import pair

TASK = keras_fpt.tasks.BitXor(num_bits=3)


def make(draw, **arguments):
    keras.utils.set_random_seed(draw)
    model = keras_fpt.FrozenPretrainedTransformer(
        make_backbone(), task=TASK, dropout=0.5, **arguments
    )
    pair(model, 7)
    return model


def test_paired_models_start_alike_and_drop_the_same_units():
    one = make(0)
    other = make(1, initialization="random", seed=3)
    ours, theirs = values(one.weights), values(other.weights)
    same = [path for path in ours if (ours[path] == theirs[path]).all()]
    assert {"input_projection/kernel", "head/kernel", "head/bias"} <= set(same)
    assert not any(path.endswith("query/kernel") for path in same)
    # Input layer and head are as their own initializers draw them.
    kernel = ours["head/kernel"]
    assert np.abs(kernel).max() <= 1 / np.sqrt(16) and kernel.std() > 0
    x, _ = TASK.validation_examples()
    dropped = []
    for model in (one, other):
        keras.utils.set_random_seed(7)
        layer = model.get_layer("input_dropout")
        hidden = layer(np.ones((len(x), 6, 16), "float32"), training=True)
        dropped.append(keras.ops.convert_to_numpy(hidden))
    np.testing.assert_array_equal(*dropped)


def test_another_seed_draws_other_values():
    one, other = make(0), make(0)
    pair(other, 8)
    path = "input_projection/kernel"
    assert (values(one.weights)[path] != values(other.weights)[path]).any()


@pytest.mark.parametrize(
    "name",
    [
        "lstm",
        pytest.param("no_trunk", marks=once),
        pytest.param("one_attention_layer", marks=once),
        pytest.param("transformer", marks=once),
    ],
)
def test_baselines_by_name_are_drawn_from_the_seed(name):
    heads = {"num_heads": 2} if name == "one_attention_layer" else {}
    one, again, other = (
        models.MODELS[name].build(TASK, seed=seed, hidden_dim=16, **heads)
        for seed in (0, 0, 1)
    )
    assert one.output_shape == (None, *TASK.outputs)
    ours, theirs = values(one.weights), values(other.weights)
    for path, value in values(again.weights).items():
        np.testing.assert_array_equal(ours[path], value)
    assert (ours["head/kernel"] != theirs["head/kernel"]).any()


def test_a_pretrained_trunk_is_held_once_for_all_seeds(small_run, tiny_preset):
    """The second model is the one that would have been read from disk."""
    chosen = options(preset=tiny_preset, paired=True)
    first, second = (
        small_run.replace(model_options=chosen, seed=seed) for seed in (0, 1)
    )
    task = first.make_task()
    model = first.build(task, {})
    ours, alone = (second.build(task, {}, other) for other in (model, None))
    for one, other in zip(ours.variables, alone.variables, strict=True):
        states = one.path.endswith("state")  # numbered through the process
        assert one.path == other.path or states
        np.testing.assert_array_equal(one, other, err_msg=one.path)
    frozen = {id(v) for v in model.trunk.non_trainable_weights}
    shared = {id(v) for v in ours.trunk.non_trainable_weights}
    assert shared == frozen
    assert not frozen & {id(v) for v in alone.trunk.non_trainable_weights}
    # What a seed draws is each one's own.
    drawn = options(preset=tiny_preset, paired=True, initialization="random")
    one, other = (
        small_run.replace(model_options=drawn, seed=seed) for seed in (0, 1)
    )
    own = other.build(task, {}, one.build(task, {}))
    assert own.seed == 1
