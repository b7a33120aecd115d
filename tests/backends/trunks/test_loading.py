"""A trunk knows whether its values are those that its config speaks of."""

import copy
import json

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import TINY
from helpers.backbones import make_backbone
from helpers.checks import check_equal
from helpers.marks import once

import keras_fpt
from keras_fpt import trunks
from keras_fpt.trunks.loading import UnloadedValues

FPT = keras_fpt.FrozenPretrainedTransformer
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
KERNEL = "transformer_layer_0/self_attention/query/kernel"


def make(**arguments):
    return FPT(make_backbone(), inputs=(6, 3), outputs=2, **arguments)


def trunk_of(model):
    return model.get_layer("trunk")


def in_a_sequence(model):
    return keras.Sequential([keras.Input((6, 3)), model])


COPIES = {
    "clone_model": keras.models.clone_model,
    "from_config": lambda model: FPT.from_config(model.get_config()),
    "trunk": lambda model: keras.Sequential(
        [type(model.trunk).from_config(model.trunk.get_config())]
    ),
    "inside another model": lambda model: keras.models.clone_model(
        in_a_sequence(model)
    ).layers[0],
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_has_the_values_of_its_trunk(how):
    model = make(seed=3)
    clone = COPIES[how](model)
    trunk = trunk_of(clone)
    assert trunk is not model.trunk and trunk.unloaded == []
    check_equal(trunk.weights, model.trunk.weights)
    # Values of its own: training one leaves the other.
    before = values(model.trunk.weights)
    for variable in trunk.weights:
        variable.assign(variable + 1.0)
    for path, value in values(model.trunk.weights).items():
        np.testing.assert_array_equal(value, before[path])


@once
def test_a_clone_of_quantized_kernels_and_lora_answers_the_same():
    model = make(quantization="int8", lora_rank=2)
    clone = keras.models.clone_model(model)
    check_equal(trunk_of(clone).weights, model.trunk.weights)
    clone.set_weights(model.get_weights())
    x = tokens(4, 6, 3)
    # JAX compiles each by itself.
    np.testing.assert_allclose(answers(clone, x), answers(model, x), atol=1e-6)


@once
def test_a_compiled_clone_trains_on_the_same_frozen_values():
    """What `keras.wrappers.SKLearnClassifier` does with a model."""
    model = make(dropout=0.0)
    model.compile(keras.optimizers.Adam(0.01), LOSS, learning_rates={})
    clone = keras.models.clone_model(model)
    clone.fit(tokens(8, 6, 3), np.arange(8) % 2, verbose=0)
    theirs, ours = values(clone.weights), values(model.weights)
    np.testing.assert_array_equal(theirs[KERNEL], ours[KERNEL])
    norm = "layer_norm/gamma"
    assert (theirs[norm] != ours[norm]).any()


@once
def test_scikit_learn_scores_the_pretrained_trunk():
    pytest.importorskip("sklearn")
    inputs = keras.Input((18,))
    model = make()
    outer = keras.Model(inputs, model(keras.layers.Reshape((6, 3))(inputs)))
    outer.compile("adam", LOSS)
    wrapper = keras.wrappers.SKLearnClassifier(outer, fit_kwargs={"verbose": 0})
    wrapper.fit(tokens(8, 18), np.arange(8) % 2)
    fitted = values(wrapper.model_.weights)[KERNEL]
    np.testing.assert_array_equal(fitted, values(model.weights)[KERNEL])


FROM_TEXT = {
    "json": lambda model: keras.models.model_from_json(model.to_json()),
    "a copied config": lambda model: FPT.from_config(
        copy.deepcopy(model.get_config())
    ),
}


@pytest.mark.parametrize("how", FROM_TEXT)
def test_a_config_alone_holds_no_values(how, tmp_path):
    model, x = make(seed=3), tokens(4, 6, 3)
    made = FROM_TEXT[how](model)
    made.compile("adam", LOSS)
    assert KERNEL in made.trunk.unloaded
    uses = (
        lambda: made.fit(x, np.zeros(4), verbose=0),
        lambda: made.predict(x, verbose=0),
        lambda: made.evaluate(x, np.zeros(4), verbose=0),
        lambda: made(x),
        lambda: made.save_trained(tmp_path / "a.safetensors"),
        lambda: made.save(tmp_path / "a.keras"),
        lambda: made.save_trunk(tmp_path / "trunk"),
        made.sibling,
    )
    for use in uses:
        with pytest.raises(ValueError, match="never loaded.*load_weights"):
            use()
    model.save_weights(tmp_path / "a.weights.h5")
    made.load_weights(tmp_path / "a.weights.h5")
    assert made.trunk.unloaded == []
    np.testing.assert_array_equal(answers(made, x), answers(model, x))


@once
def test_values_that_are_set_count_as_loaded():
    model, x = make(), tokens(4, 6, 3)
    made = FPT.from_config(json.loads(json.dumps(model.get_config())))
    made.set_weights(model.get_weights())
    np.testing.assert_array_equal(answers(made, x), answers(model, x))


@once
def test_a_file_of_the_old_format_brings_values(tmp_path):
    model, x = make(), tokens(4, 6, 3)
    model.save(tmp_path / "a.h5")
    loaded = keras.saving.load_model(
        tmp_path / "a.h5", custom_objects={"FrozenPretrainedTransformer": FPT}
    )
    np.testing.assert_array_equal(answers(loaded, x), answers(model, x))


@once
def test_new_layers_are_not_pretrained():
    config = {k: v for k, v in TINY.items() if k != "vocabulary_size"}
    config["dropout"] = 0.0
    arguments = {"inputs": (6, 3), "outputs": 2}
    with pytest.raises(ValueError, match="never loaded"):
        FPT(trunks.GPT2Trunk(config), **arguments)
    model = FPT(
        trunks.GPT2Trunk(config), **arguments, initialization="random", seed=0
    )
    assert model.trunk.unloaded == []
    unloaded = trunks.from_preset("gpt2_tiny_en", 0.0, load_weights=False)
    with pytest.raises(ValueError, match="never loaded"):
        FPT(unloaded, **arguments)


@once
def test_each_variable_is_waited_for_until_it_is_assigned():
    first, second = keras.Variable([0.0]), keras.Variable([0.0])
    unloaded = UnloadedValues([first, second])
    first.assign([1.0])
    assert unloaded.paths == [second.path]
    assert values([first])[first.path] == [1.0]
    unloaded.forget_all()
    assert unloaded.paths == []
    second.assign([2.0])
    assert values([second])[second.path] == [2.0]
