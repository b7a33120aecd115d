"""Tokens far from mean 0 and deviation 1 are warned of, once."""

import warnings

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.checks import check_survives
from helpers.marks import once

import keras_fpt
from keras_fpt.tasks.batches import Batches

# Through the step as Keras compiles it.
pytestmark = pytest.mark.compiled
FPT = keras_fpt.FrozenPretrainedTransformer


def warned(model, x, **arguments):
    """What `fit` warns of."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        model.fit(x, verbose=0, shuffle=False, **arguments)
    return [w for w in caught if "normalize" in str(w.message)]


def test_tokens_far_from_standard_are_warned_of_once(backbone):
    far, y = 100 + tokens(8, 6, 3), np.arange(8) % 2
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    (warning,) = warned(model, far, y=y)
    assert "mean of about 100" in str(warning.message)
    # It points at the line that calls `fit`.
    assert warning.filename == __file__
    assert not warned(model, far, y=y)
    model = FPT(backbone, inputs=(6, 3), outputs=2)
    model.predict(far, verbose=0)
    assert len(warned(model, Batches((far, y), 4))) == 1


@once
@pytest.mark.parametrize("normalize", [False, "x"])
def test_who_says_normalize_is_not_warned(backbone, normalize, tmp_path):
    far, y = 100 + tokens(8, 6, 3), np.arange(8) % 2
    normalize = far if normalize == "x" else normalize
    model = FPT(backbone, inputs=(6, 3), outputs=2, normalize=normalize)
    assert not warned(model, far, y=y)
    loaded = check_survives(model, tmp_path / "model.keras")
    assert not warned(loaded, far, y=y)


@once
@pytest.mark.parametrize("name", ["bit_xor", "bit_memory", "listops"])
def test_tasks_are_not_warned_of(backbone, name):
    task = keras_fpt.tasks.get(name)
    model = FPT(backbone, task=task, num_positions=2048)
    data = task.train_data(2)
    assert not warned(model, data, steps_per_epoch=1)
