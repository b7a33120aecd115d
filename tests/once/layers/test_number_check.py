"""Tokens far from mean 0 and deviation 1 are described, no others."""

import re

import keras
import numpy as np
import pytest
from helpers.arrays import tokens

from keras_fpt import tasks
from keras_fpt.layers.number_check import describe_if_far
from keras_fpt.layers.number_check import some_tokens

X = tokens(64, 6, 3)


def describe(x):
    return describe_if_far(some_tokens(x))


@pytest.mark.parametrize(
    "x, mean, std",
    [
        (0.03 * X, 0, 0.03),
        (0.1 * X, 0, 0.1),
        (100 * X, 0, 100),
        (X + 100, 100, 1),
        (0.3 * X + 100, 100, 0.3),
        # In one of three numbers.
        (X + np.array([0, 300, 0]), 100, 1),
        # About 0 on the whole, and in none of them.
        (X + np.array([50, -50, 50]), 50, 1),
        # Pixels of lines.
        (255 * (X > 1.5), 255 * 0.067, 255 * 0.25),
    ],
)
def test_far(x, mean, std):
    text = describe(x)
    found = [float(number) for number in re.findall(r"about (\S*\d)", text)]
    np.testing.assert_allclose(found[:2], [mean, std], 0.1, 0.1 * std)
    assert "`normalize=x`" in text and "\n" not in text


@pytest.mark.parametrize(
    "x",
    [
        X,
        0.3 * X,
        30 * X,
        X + 1,
        (X > 0).astype("int8"),
        X > 0,
        np.sign(X),
        np.random.default_rng(0).integers(256, size=(64, 6, 3)),
        np.eye(1000)[np.random.default_rng(0).integers(1000, size=(64, 6))],
        # One-hot of very unequal frequencies, and bits that are mostly 1.
        np.eye(5)[np.random.default_rng(0).geometric(0.9, (64, 6)).clip(0, 4)],
        (X > -2).astype("float32"),
        # Nothing can be said of these.
        np.zeros((64, 6, 3)),
        np.full((64, 6, 3), 100.0),
        np.where(X > 2, np.nan, 100 * X),
        np.full((1, 1, 3), 7.0),
    ],
)
def test_near(x):
    assert describe(x) is None


@pytest.mark.parametrize(
    "name, options",
    [
        ("bit_xor", {}),
        ("bit_xor", {"num_bits": 50}),
        ("bit_memory", {}),
    ],
)
def test_drawn_tasks(name, options):
    assert describe(tasks.get(name, **options).train_data(16)) is None


@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar10_lra"])
@pytest.mark.parametrize("kind", ["made_up", "noise", "dark"])
def test_image_tasks(name, kind, made_up):
    task = tasks.get(name, cache_dir=made_up)
    if kind == "made_up":
        assert describe(task.train_data(16)) is None
        assert describe(task.train_data(1)) is None
        return
    images = np.random.default_rng(0).random((16, *_stored(name)))
    images = 255 * (images if kind == "noise" else images**3)
    assert describe(task.cut(images.astype("uint8"))) is None


def _stored(name):
    return (28, 28, 1) if name == "mnist" else (32, 32, 3)


def test_padding_and_what_is_no_array():
    mask = np.arange(6) < np.arange(64)[:, None] % 6 + 1
    padded = np.where(mask[..., None], X, 1e6)
    assert describe(padded) is not None
    assert describe({"tokens": padded, "padding_mask": mask}) is None
    far = np.where(mask[..., None], X + 100, 0)
    assert " 100 " in describe({"tokens": far, "padding_mask": mask})
    nothing = {"tokens": X, "padding_mask": np.zeros((64, 6))}
    assert describe(nothing) is None
    for x in (
        X[:0],
        iter([(X, X)]),
        X.astype(str),
        {"tokens": X, "padding_mask": mask[:, :2]},  # refused elsewhere
        keras.ops.convert_to_tensor(X),
    ):
        assert some_tokens(x) is None


def test_a_few_numbers_of_many_are_looked_at():
    x = np.zeros((100_000, 6, 3), "float32")
    assert some_tokens(x).shape == (32 * 6, 3)
    # Examples that are sorted: from first to last.
    x += np.linspace(-1, 1, len(x))[:, None, None]
    assert describe(x) is None
