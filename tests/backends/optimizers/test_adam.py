"""Adam: the steps of `torch.optim.Adam`, on every backend."""

import keras
import numpy as np
import pytest
from helpers.arrays import values
from helpers.marks import torch_only

from keras_fpt.optimizers import Adam
from keras_fpt.optimizers import GroupAdam

STEPS = 50
RATE = 1e-3
# A column of gradients for each size.
SIZES = 10.0 ** np.arange(-9, 3)
RNG = np.random.default_rng(0)
# Signs differ; each size varies by a factor of up to ten from step to step.
GRADIENTS = (
    SIZES
    * 10.0 ** RNG.uniform(-0.5, 0.5, (STEPS, 4, len(SIZES)))
    * RNG.choice([-1.0, 1.0, 1.0], (STEPS, 4, len(SIZES)))
).astype("float32")
X = RNG.normal(size=(8, 5)).astype("float32")
Y = RNG.normal(size=(8, 2)).astype("float32")


def reference(gradients, amsgrad=False, rate=RATE):
    """torch.optim.Adam in NumPy, float64: the values after all steps."""
    w, m, v, largest = (np.zeros(gradients.shape[1:]) for _ in range(4))
    for step, gradient in enumerate(gradients.astype("float64"), 1):
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        largest = np.maximum(largest, v)
        root = np.sqrt(largest if amsgrad else v) / np.sqrt(1 - 0.999**step)
        w -= rate / (1 - 0.9**step) * m / (root + 1e-8)
    return w


def apply(optimizer, gradients):
    """The values of a variable of zeros after all gradients."""
    variable = keras.Variable(np.zeros(gradients.shape[1:], "float32"))
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return keras.ops.convert_to_numpy(variable)


def distance(found, expected):
    """Largest difference in each column, relative to the column's largest."""
    return np.abs(found - expected).max(0) / np.abs(expected).max(0)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_fifty_steps_are_those_of_torch(amsgrad):
    expected = reference(GRADIENTS, amsgrad)
    found = apply(Adam(RATE, amsgrad=amsgrad), GRADIENTS)
    assert distance(found, expected).max() < 1e-6


@torch_only
@pytest.mark.parametrize("amsgrad", [False, True])
def test_the_reference_is_torch(amsgrad):
    import torch

    value = torch.zeros(GRADIENTS.shape[1:], dtype=torch.float64)
    value.requires_grad_()
    adam = torch.optim.Adam([value], RATE, amsgrad=amsgrad)
    for gradient in GRADIENTS:
        value.grad = torch.from_numpy(gradient.astype("float64"))
        adam.step()
    expected = reference(GRADIENTS, amsgrad)
    assert distance(value.detach().numpy(), expected).max() < 1e-12


def test_keras_adam_is_another():
    found = apply(keras.optimizers.Adam(RATE, epsilon=1e-8), GRADIENTS)
    off = distance(found, reference(GRADIENTS))
    assert off[0] > 0.5  # gradients of 1e-9
    assert off[-1] < 1e-4  # of 100: epsilon does not count


def test_accumulated_gradients_are_one_step():
    pairs = np.stack([0.5 * GRADIENTS, 1.5 * GRADIENTS], 1)
    found = apply(
        Adam(RATE, gradient_accumulation_steps=2),
        pairs.reshape(-1, *GRADIENTS.shape[1:])[:20],
    )
    assert distance(found, reference(GRADIENTS[:10])).max() < 1e-6


def test_steps_in_bfloat16_are_counted_in_float32():
    """In bfloat16, 400 is 400 and 401 is not, and 0.999 is 1."""
    optimizer = Adam(RATE)
    variable = keras.Variable(np.zeros(4), dtype="bfloat16")
    optimizer.build([variable])
    optimizer.iterations.assign(400)
    optimizer.apply([keras.ops.ones(4, "bfloat16")], [variable])
    expected = RATE * 0.1 / (1 - 0.9**401)
    expected /= np.sqrt(0.001 / (1 - 0.999**401))
    moved = -keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32"))
    np.testing.assert_allclose(moved, expected, rtol=0.02)


def make_model(optimizer):
    """Two linear layers, the same each time."""
    keras.utils.set_random_seed(0)
    x = keras.Input((5,))
    hidden = keras.layers.Dense(3, name="first")(x)
    model = keras.Model(x, keras.layers.Dense(2, name="second")(hidden))
    model.compile(optimizer, "mse")
    return model


def train(model, steps):
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return values(model.weights)


GROUPS = {
    "first/kernel": "input",
    "first/bias": "input",
    "second/kernel": "output",
    "second/bias": "output",
}


@pytest.mark.compiled
def test_any_model_trains_at_one_rate_and_groups_at_their_own():
    plain = make_model(Adam(0.02, global_clipnorm=0.1))
    before, expected = values(plain.weights), train(plain, 3)
    optimizer = Adam(0.02, {"input": 0.01}, global_clipnorm=0.1)
    optimizer.set_groups(GROUPS)
    model = make_model(optimizer)
    # The first step is the same but for the rate.
    after, whole = train(model, 1), train(make_model(Adam(0.02)), 1)
    for path, group in GROUPS.items():
        share = 0.5 if group == "input" else 1
        np.testing.assert_allclose(
            after[path] - before[path],
            share * (whole[path] - before[path]),
            rtol=1e-3,
        )
    assert all((expected[path] != before[path]).any() for path in GROUPS)


@pytest.mark.compiled
def test_a_saved_model_trains_on_as_if_it_had_not_stopped(tmp_path):
    model = make_model(Adam(0.02, global_clipnorm=0.1))
    train(model, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is Adam
    expected, found = train(model, 3), train(loaded, 3)
    for path, array in expected.items():
        np.testing.assert_allclose(found[path], array, rtol=1e-6)


@pytest.mark.compiled
def test_gradients_scaled_for_half_precision_give_the_same_steps():
    scaled = keras.optimizers.LossScaleOptimizer(Adam(0.02))
    found = train(make_model(scaled), 3)
    for path, array in train(make_model(Adam(0.02)), 3).items():
        np.testing.assert_allclose(found[path], array, rtol=1e-4, atol=1e-6)


def test_rates_for_groups_keep_the_optimizer_that_was_given():
    given = Adam(0.02, epsilon=1e-6, global_clipnorm=1.0)
    made = GroupAdam.of(given, {"input": 0.01})
    assert type(made) is Adam
    assert made.group_learning_rates == {"input": 0.01}
    assert (made.epsilon, made.global_clipnorm) == (1e-6, 1.0)
    keras_adam = keras.optimizers.Adam(0.02)
    assert type(GroupAdam.of(keras_adam, {"input": 0.01})) is GroupAdam


def test_the_config_makes_the_same_optimizer():
    optimizer = Adam(0.02, {"input": 0.01}, amsgrad=True)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is Adam
    assert again.get_config() == optimizer.get_config()
    assert Adam().epsilon == 1e-8
