"""Models learn from arrays: of several lengths, and for regression."""

import keras
import numpy as np
from helpers.arrays import values
from helpers.backbones import make_backbone

import keras_fpt
from keras_fpt.tasks import ArrayTask

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6, 3))


def fit(task, epochs=6):
    keras.utils.set_random_seed(0)
    model = keras_fpt.FrozenPretrainedTransformer(
        make_backbone(), task=task, dropout=0.0
    )
    model.compile(**task.compile_args(3e-3))
    return model, model.fit(
        task.train_data(8),
        steps_per_epoch=4,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        validation_data=task.validation_data(),
    ).history


def test_lists_of_several_lengths():
    lengths = RNG.integers(3, 7, size=40)
    x = [each[:n] for each, n in zip(X, lengths, strict=True)]
    y = np.array(["left", "right"])[[int(e[-1, 0] > 0) for e in x]]
    model, history = fit(ArrayTask(x, y))
    assert history["loss"][-1] < history["loss"][0]
    assert "normalization/mean" in values(model.weights)


def test_regression():
    task = ArrayTask(X, 3 * X[:, -1, :2])
    model, history = fit(task)
    assert history["loss"][-1] < history["loss"][0]
    assert history["val_r2"][-1] > history["val_r2"][0]
    # R2 by its definition, over all test examples at once.
    x, y = task.test_examples()
    error = ((model.predict(x, verbose=0) - y) ** 2).sum(0)
    total = ((y - y.mean(0)) ** 2).sum(0)
    _, r2 = model.evaluate(task.test_data(), verbose=0)
    np.testing.assert_allclose(r2, np.mean(1 - error / total), rtol=1e-3)
