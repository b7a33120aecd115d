"""Weights of several models in one."""

import keras
import numpy as np
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.marks import jax_only

import keras_fpt
from keras_fpt.replica_model import ReplicaModel

TASK = keras_fpt.tasks.BitXor(num_bits=3)


@jax_only
def test_what_is_equal_is_held_once_and_values_come_back():
    first = keras_fpt.FrozenPretrainedTransformer(make_backbone(), task=TASK)
    models = [first, first.sibling(TASK)]
    for model in models:
        model.compile(**TASK.compile_args(1e-2))
    before = [values(model.weights) for model in models]
    together = ReplicaModel(models, TASK.train_data(2)[0])
    frozen = {id(v) for v in first.non_trainable_weights}
    held = {id(v) for v in together.non_trainable_variables}
    assert frozen <= held
    for variable in together.trainable_variables:
        assert variable.shape[0] == 2

    together.read()
    for variable in together.trainable_variables:
        variable.assign(keras.ops.add(variable, 1))
    together.write_back()
    for model, own in zip(models, before, strict=True):
        trained = {v.path for v in model.trainable_variables}
        for path, value in values(model.weights).items():
            np.testing.assert_array_equal(value, own[path] + (path in trained))
