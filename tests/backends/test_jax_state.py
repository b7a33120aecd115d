"""A step that fails takes nothing from a model, on any backend."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone

import keras_fpt

X, Y = tokens(4, 6, 3), np.array([0, 1, 1, 0])


class Failing(keras.utils.PyDataset):
    """Batches, until one cannot be made."""

    num_batches = 4

    def __init__(self, at, error):
        super().__init__()
        self.at, self.error = at, error

    def __getitem__(self, index):
        if index >= self.at:
            raise self.error("disk unplugged")
        return X, Y


@pytest.fixture(scope="module")
def model():
    model = keras_fpt.FrozenPretrainedTransformer(
        make_backbone(num_layers=1), inputs=(6, 3), outputs=2, dropout=0.0
    )
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_looking_changes_nothing(model, method, at, error):
    before = values(model.weights)
    with pytest.raises(BaseException, match="unplugged"):
        getattr(model, method)(Failing(at, error), verbose=0)
    for path, value in values(model.weights).items():
        np.testing.assert_array_equal(value, before[path])


@pytest.mark.parametrize("at", [0, 2])
def test_training_goes_on(model, at):
    before = values(model.weights)
    with pytest.raises(BaseException, match="unplugged"):
        model.fit(Failing(at, OSError), shuffle=False, verbose=0)
    after = values(model.weights)
    changed = [path for path in before if (after[path] != before[path]).any()]
    assert bool(changed) == (at > 0)
    history = model.fit(X, Y, verbose=0).history
    assert np.isfinite(history["loss"][0])
