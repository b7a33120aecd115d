"""The interface: arrays that do not fit are refused as they come in."""

import json

import keras
import numpy as np
import pytest
from helpers.arrays import tokens

import keras_fpt
from keras_fpt.layers.interface import Interface

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 2), (4, 5, 3), (6, 3)])
def test_shapes_of_arrays(backbone, shape):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    model.compile("adam", CROSS_ENTROPY)
    x, y = np.zeros(shape), np.zeros(len(np.zeros(shape)), int)
    for call in (model, model.predict, lambda x: model.fit(x, y)):
        with pytest.raises(ValueError, match=r"\(batch, 6, 3\)") as error:
            call(x)
        assert str(shape) in str(error.value)


def test_validation_arrays_are_looked_at(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    model.compile("adam", CROSS_ENTROPY)
    bad = (np.zeros((4, 7, 3)), np.zeros(4))
    with pytest.raises(ValueError, match=r"\(4, 7, 3\)"):
        model.fit(tokens(4, 6, 3), np.zeros(4), validation_data=bad)


def test_list_of_sequences(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    with pytest.raises(ValueError, match="pad_sequences"):
        model.predict([np.zeros((6, 3)), np.zeros((4, 3))])


@pytest.mark.parametrize("outputs", [4, (2, 4), (2, 3, 4)])
@pytest.mark.parametrize("padding_mask", [False, True])
def test_it_comes_back_from_its_configuration(outputs, padding_mask):
    interface = Interface.of(None, (6, 3), outputs, None, padding_mask)
    again = Interface.of(None, **interface.config())
    assert again == interface
    assert len(interface.signature()) == 1
    assert (interface.model_inputs()[1] is not None) == padding_mask


@pytest.mark.parametrize("normalize", [False, ([1.0, 2, 3], [4, 0, 0.1])])
def test_normalization_comes_back_from_a_configuration(normalize):
    interface = Interface.of(None, (6, 3), 4, None, None, normalize)
    config = json.loads(json.dumps(interface.config()))
    assert Interface.of(None, **config) == interface
    assert interface.config()["normalize"] in (
        False,
        # As float32 holds them; a variance of 0 is one of 1.
        [[1.0, 2.0, 3.0], [4.0, 1.0, float(np.float32(0.1))]],
    )
    assert bool(interface.standardize(keras.Input((6, 3)))[1]) is bool(
        normalize
    )
    assert "normalize" not in Interface.of(None, (6, 3), 4, None, None).config()


def test_a_task_says_the_same_as_its_four_arguments():
    task = keras_fpt.tasks.get("bit_memory")
    arguments = (task.inputs, task.outputs, task.readout, task.padding_mask)
    empty = (None, None, None, None)
    assert Interface.of(task, *empty) == Interface.of(None, *arguments)


def test_which_tokens_are_read():
    one, two, mean = (
        Interface.of(None, (6, 3), outputs, readout, True)
        for outputs, readout in ((4, "last"), ((2, 4), "last"), (4, "mean"))
    )
    assert (one.read_tokens, two.read_tokens) == (None, 2)
    assert (one.last_tokens, two.last_tokens) == (1, 2)
    assert mean.last_tokens is None
    assert Interface.of(None, (6, 3), 4, None, True).last_tokens is None


def test_the_default_reads_no_padding():
    readouts = {
        Interface.of(None, (6, 3), 4, readout, mask).readout
        for readout, mask in ((None, True), ("last_real", True))
    }
    assert readouts == {"last_real"}
    for mask in (None, False):
        assert Interface.of(None, (6, 3), 4, None, mask).readout == "last"
    assert Interface.of(None, (6, 3), 4, "last", True).readout == "last"

    class Masked(keras_fpt.tasks.Task):
        padding_mask = True

    class Chosen(Masked):
        readout = "mean"

    class Plain(keras_fpt.tasks.Task):
        padding_mask = False

    assert [t.readout for t in (Masked, Chosen, Plain)] == [
        *("last_real", "mean", "last")
    ]


@pytest.mark.parametrize("mask", ["no", 1, np.ones((4, 6)), [True]])
def test_a_padding_mask_is_there_or_not(mask):
    with pytest.raises(ValueError, match="True or False.*padding_mask="):
        Interface.of(None, (6, 3), 4, None, mask)
