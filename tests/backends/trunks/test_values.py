"""Values on their way from a backbone into a trunk."""

import gc

import keras
import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import make_backbone_of
from helpers.marks import torch_only

import keras_fpt
from keras_fpt.trunks.values import copy_values
from keras_fpt.trunks.values import glorot_deviation
from keras_fpt.trunks.values import repeat_rows

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (7, 3), "outputs": 2}


@torch_only  # which keeps a second list
@pytest.mark.parametrize("mode", ["bfloat16", "int8"])
def test_memory_of_the_old_kernels_is_free(mode):
    import torch

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        backbone = make_backbone_of("gpt2", intermediate_dim=321)
        FPT(backbone, **SIZES, quantization=mode)
    finally:
        keras.config.set_dtype_policy("float32")
    alive = [
        each
        for each in gc.get_objects()
        if isinstance(each, torch.Tensor)
        and each.dtype == torch.float32
        and tuple(each.shape) == (16, 321)
    ]
    assert len(alive) == 2  # the backbone's own


def dense(units=2):
    layer = keras.layers.Dense(units, name="dense")
    model = keras.Sequential([layer], name="model")
    model.build((None, 3))
    return model


def test_values_go_to_the_variables_of_their_paths():
    source, target = dense(), dense()
    theirs = {variable.path: variable.value for variable in source.weights}
    copy_values(theirs, target.weights[::-1])
    for path, value in values(source.weights).items():
        np.testing.assert_array_equal(values(target.weights)[path], value)


def test_a_source_that_holds_more_is_refused():
    source, target = dense(), dense()
    source.layers[0].enable_lora(1)
    theirs = {variable.path: variable.value for variable in source.weights}
    with pytest.raises(ValueError, match="LoRA or quantized.*lora_kernel"):
        copy_values(theirs, target.weights)


def test_a_table_repeats_its_rows_or_is_cut():
    table = np.arange(6.0).reshape(3, 2)
    for rows in (7, 2):
        repeated = keras.ops.convert_to_numpy(repeat_rows(table, rows))
        np.testing.assert_array_equal(repeated, table[np.arange(rows) % 3])


@pytest.mark.parametrize("shape", [(6, 10), (16, 16), (16, 2, 8), (2, 8, 16)])
def test_glorot_deviation_is_that_of_keras(shape):
    """Heads are taken together: a kernel of attention is a square matrix."""
    matrix = shape if len(shape) == 2 else (16, 16)
    draw = keras.initializers.GlorotUniform(seed=0)
    limit = np.sqrt(6 / sum(matrix))
    assert np.abs(keras.ops.convert_to_numpy(draw(matrix))).max() <= limit
    assert glorot_deviation(shape) == pytest.approx(limit / np.sqrt(3))
