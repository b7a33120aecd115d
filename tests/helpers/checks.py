"""What must hold of every model and layer: one check for each of it."""

import json

import keras
import numpy as np

from helpers.arrays import answers
from helpers.arrays import values
from helpers.processes import run_python

LOAD = """
import sys
import keras
import keras_fpt
import numpy as np

path, data = sys.argv[1:]
model = keras.saving.load_model(path)
x = dict(np.load(data))
y = model(x.pop("x") if "x" in x else x, training=False)
np.save(data, keras.ops.convert_to_numpy(y))
print(sum(v.trainable for v in model.weights))
"""


def flags(model):
    """Which variables are trained."""
    return {variable.path: variable.trainable for variable in model.weights}


def check_equal(weights, others):
    """The same variables with the same values, bit by bit."""
    theirs = values(others)
    ours = values(weights)
    assert set(ours) == set(theirs)
    for path, value in ours.items():
        np.testing.assert_array_equal(value, theirs[path], err_msg=path)


def check_survives(model, path, x=None):
    """Saved and loaded: configuration, flags, values and answers are kept."""
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert type(loaded) is type(model)
    # As JSON: a file knows no tuples.
    configs = [json.dumps(m.get_config()) for m in (loaded, model)]
    assert configs[0] == configs[1]
    assert flags(loaded) == flags(model)
    check_equal(loaded.weights, model.weights)
    if x is not None:
        np.testing.assert_array_equal(answers(loaded, x), answers(model, x))
    return loaded


def check_survives_elsewhere(model, folder, x, backend=None):
    """Saved here and loaded in a process that has just begun."""
    model.save(folder / "model.keras")
    np.savez(folder / "x.npz", **(x if isinstance(x, dict) else {"x": x}))
    printed = run_python(
        LOAD, folder / "model.keras", folder / "x.npz", backend=backend
    )
    assert int(printed.split()[-1]) == sum(flags(model).values())
    found = np.load(folder / "x.npz.npy")
    np.testing.assert_allclose(found, answers(model, x), atol=1e-5)


def check_trained_file(model, path, fresh, x=None):
    """What was trained goes into a file, and `fresh` becomes the same."""
    model.save_trained(path)
    fresh.load_trained(path)
    check_equal(fresh.weights, model.weights)
    if x is not None:
        np.testing.assert_array_equal(answers(fresh, x), answers(model, x))


def check_learns(model, x, y, epochs=8):
    """The loss falls on a batch that it has seen; returns the losses."""
    losses = model.fit(
        x, y, batch_size=len(y), epochs=epochs, verbose=0, shuffle=False
    ).history["loss"]
    assert losses[-1] < losses[0], losses
    return losses


def check_freeze(model, train):
    """Training moves what is to be trained, and not a bit of the rest.

    Returns the values before it.
    """
    before = values(model.weights)
    train(model)
    after = values(model.weights)
    for path, trained in flags(model).items():
        moved = (after[path] != before[path]).any()
        assert moved == trained, path
    return before


def check_model(model, x, y, path, epochs=4, drawn=False):
    """A model trains what is to be trained, learns, and is kept by a file.

    Args:
        model: A classifier that is not compiled.
        x: Its inputs, one batch.
        y: Classes of them.
        path: Where it is saved, `.keras`.
        epochs: Steps in which the loss is to fall. Defaults to `4`.
        drawn: Whether it answers differently each time. Defaults to `False`.
    """
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss)
    check_freeze(model, lambda model: check_learns(model, x, y, epochs))
    return check_survives(model, path, None if drawn else x)


def check_layer(make, x, shape, half="bfloat16"):
    """A layer's shape, configuration, precision, and its compiled answers.

    Args:
        make: Makes the layer; takes `dtype=`.
        x: What it is called on, an array.
        shape: The shape that it returns.
        half: What it computes in under a mixed policy. Defaults to
            `"bfloat16"`.
    """
    layer = make()
    computed = keras.ops.convert_to_numpy(layer(x))
    assert computed.shape == shape
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    inputs = keras.Input(x.shape[1:], dtype=str(x.dtype))
    model = keras.Model(inputs, layer(inputs))
    np.testing.assert_allclose(model.predict(x, verbose=0), computed, atol=1e-5)
    mixed = make(dtype="mixed_bfloat16")
    computed = mixed(x)
    assert keras.backend.standardize_dtype(computed.dtype) == half
    assert {str(v.dtype) for v in mixed.weights} <= {"float32"}
