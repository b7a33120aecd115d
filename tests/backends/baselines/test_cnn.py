"""The convolutional baseline: its size, training, refusals."""

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import values
from helpers.checks import check_freeze
from helpers.checks import check_learns
from helpers.checks import check_survives
from helpers.marks import once

from keras_fpt import baselines
from keras_fpt import tasks

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SIZES = {"image_shape": (18, 20, 2), "num_classes": 4}


@once
@pytest.mark.parametrize(
    "name, variant, count",
    [
        ("cifar10", "paper", 122_570),
        ("mnist", "paper", 121_994),
        ("mnist", "code", 93_322),
        ("cifar10_lra", "lra", 121_994),
    ],
)
def test_parameter_counts_of_the_tasks(name, variant, count):
    task = tasks.get(name, variant=variant, whole_images=True)
    model = baselines.cnn(task)
    assert model.count_params() == count
    assert model.input_shape == (None, *task.inputs)
    assert model.output_shape == (None, 10)
    assert model.name == "cnn"


@once
def test_parameters_by_layer():
    model = baselines.cnn(image_shape=(32, 32, 3), num_classes=10)
    counts = [layer.count_params() for layer in model.layers if layer.weights]
    assert counts == [896, 18_496, 36_928, 65_600, 650]
    assert sum(counts) == 122_570


@once
def test_a_seed_draws_all_initial_values():
    one, again, other = (
        values(baselines.cnn(**SIZES, seed=seed).weights) for seed in (1, 1, 2)
    )
    for path, value in one.items():
        np.testing.assert_array_equal(again[path], value)
        assert (other[path] != value).any() == path.endswith("kernel")


def test_it_trains_and_is_saved(tmp_path):
    model = baselines.cnn(**SIZES, name="mine")
    model.compile("adam", CROSS_ENTROPY)
    rng = np.random.default_rng(0)
    x = rng.random((8, *SIZES["image_shape"]), dtype="float32")
    y = rng.integers(4, size=8)
    check_freeze(model, lambda model: check_learns(model, x, y))
    loaded = check_survives(model, tmp_path / "cnn.keras", x)
    assert loaded.name == "mine"
    # Logits: negative, too.
    assert answers(model, x).shape == (8, 4) and answers(model, x).min() < 0


def test_images_are_normalized_by_channel(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal([100, 1], [0.3, 20], size=(8, 18, 20, 2)).astype("float32")
    mean, std = x.mean((0, 1, 2)), x.std((0, 1, 2))
    for normalize in (x, (mean, std**2)):
        model = baselines.cnn(**SIZES, normalize=normalize)
        plain = baselines.cnn(**SIZES)
        for variable, value in zip(
            plain.weights, model.weights[2:], strict=True
        ):
            variable.assign(value)
        np.testing.assert_allclose(
            answers(model, x), answers(plain, (x - mean) / std), atol=1e-4
        )
    model.compile("adam", CROSS_ENTROPY)
    check_freeze(model, lambda m: m.fit(x, np.arange(8) % 4, verbose=0))
    check_survives(model, tmp_path / "cnn.keras", x)


@once
def test_it_trains_on_a_task(made_up):
    task = tasks.get("mnist", whole_images=True, cache_dir=made_up)
    model = baselines.cnn(task)
    model.compile("adam", CROSS_ENTROPY)
    check_learns(model, *task.train_data(8)[0])


@once
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "`task=`, or both.*image_shape=None, num_classes=None"),
        ({"image_shape": (32, 32, 3)}, "both.*num_classes=None"),
        ({"image_shape": (32, 32), "num_classes": 2}, r"channels.*\(32, 32\)"),
        ({"image_shape": (17, 32, 3), "num_classes": 2}, "18 x 18.*17, 32"),
        ({"image_shape": (32, 17, 3), "num_classes": 2}, "18 x 18.*32, 17"),
        ({"image_shape": (32, 32, 0), "num_classes": 2}, "image_shape=0"),
        ({"image_shape": 32, "num_classes": 2}, "channels.*image_shape=32"),
        ({"image_shape": (32, 32, 3), "num_classes": 0}, "num_classes=0"),
        (
            {**SIZES, "normalize": np.zeros((4, 18, 20, 3))},
            r"`normalize` does not fit: .*20, 2.*\(4, 18, 20, 3\)",
        ),
        ({**SIZES, "normalize": ([0.0], [1.0])}, r"\(2,\).*\(1,\)"),
        ({**SIZES, "normalize": {"tokens": np.ones(2)}}, "Received: a dict"),
        ({"task": "cifar10"}, "object of.*whole_images=True.*'cifar10'"),
        (
            {"task": tasks.get("cifar10")},
            r"`keras_fpt.*whole_images=True\)`.*CIFAR10 .*inputs=\(64, 48\)",
        ),
        ({"task": tasks.get("bit_xor")}, r"whole images.*BitXor .*\(10, 1\)"),
        ({"task": tasks.get("listops")}, "whole images.*ListOps"),
        (
            {
                "task": tasks.get("mnist", whole_images=True),
                "num_classes": 10,
            },
            "either a task or both.*num_classes=10",
        ),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        baselines.cnn(**arguments)
    assert "\n" not in str(error.value)
