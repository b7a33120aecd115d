"""Learning rates by group: Adam's steps, each group at its own rate."""

import keras
import numpy as np
import pytest
from helpers.arrays import values

from keras_fpt.optimizers import GroupAdam

# Through the step as Keras compiles it.
pytestmark = pytest.mark.compiled

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 5)).astype("float32")
Y = RNG.normal(size=(8, 2)).astype("float32")
GROUPS = {
    "first/kernel": "input",
    "first/bias": "positions",
    "second/kernel": "output",
    "second/bias": "output",
}
# Less than the norm of the gradients: it clips at each step.
CLIP = {"global_clipnorm": 0.1}
SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.02, 1, 0.7)


def make_model(optimizer, groups=GROUPS):
    """Two linear layers, the same each time."""
    keras.utils.set_random_seed(0)
    x = keras.Input((5,))
    hidden = keras.layers.Dense(3, name="first")(x)
    model = keras.Model(x, keras.layers.Dense(2, name="second")(hidden))
    if isinstance(optimizer, GroupAdam) and groups:
        optimizer.set_groups(groups)
    model.compile(optimizer, "mse")
    return model


def train(model, steps):
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return values(model.weights)


def assert_same(weights, expected):
    assert list(weights) == list(expected)
    for path, weight in weights.items():
        np.testing.assert_allclose(
            weight, expected[path], rtol=1e-5, atol=1e-7, err_msg=path
        )


def adam_by_hand(weights, steps, rate_of, decay=0.0):
    """Adam with a global clip in NumPy, float64."""
    paths = list(GROUPS)
    w = {path: weights[path].astype("float64") for path in paths}
    m, v = ({p: 0.0 for p in paths} for _ in range(2))
    for step in range(steps):
        hidden = X @ w["first/kernel"] + w["first/bias"]
        error = hidden @ w["second/kernel"] + w["second/bias"] - Y
        error *= 2 / error.size
        back = error @ w["second/kernel"].T
        gradients = {
            "first/kernel": X.T @ back,
            "first/bias": back.sum(axis=0),
            "second/kernel": hidden.T @ error,
            "second/bias": error.sum(axis=0),
        }
        norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        assert norm > CLIP["global_clipnorm"]
        for path, gradient in gradients.items():
            g = gradient * CLIP["global_clipnorm"] / norm
            rate = rate_of(path, step)
            w[path] -= w[path] * decay * rate
            m[path] = 0.9 * m[path] + 0.1 * g
            v[path] = 0.999 * v[path] + 0.001 * g**2
            mean = m[path] / (1 - 0.9 ** (step + 1))
            square = v[path] / (1 - 0.999 ** (step + 1))
            w[path] -= rate * mean / (np.sqrt(square) + 1e-8)
    return w


@pytest.mark.parametrize(
    "arguments",
    [
        CLIP,
        {"weight_decay": 0.1, "amsgrad": True},
        {
            "gradient_accumulation_steps": 2,
            "use_ema": True,
            "ema_overwrite_frequency": 3,
            "clipnorm": 0.1,
        },
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_one_rate_for_all_is_adam(arguments):
    plain = make_model(keras.optimizers.Adam(0.02, **arguments))
    rates = {"input": 0.02, "positions": 0.02}
    model = make_model(GroupAdam(0.02, rates, **arguments))
    assert_same(train(model, 6), train(plain, 6))
    states = (m.optimizer.variables for m in (model, plain))
    for one, other in zip(*states, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(
    "main, decay", [(0.02, 0.0), (SCHEDULE, 0.5)], ids=["float", "schedule"]
)
def test_each_group_moves_at_its_own_rate(main, decay):
    rates = {"input": 0.005, "positions": 0.0}

    def rate_of(path, step):
        scheduled = main if main == 0.02 else 0.02 * 0.7**step
        return rates.get(GROUPS[path], scheduled)

    model = make_model(
        GroupAdam(main, rates, epsilon=1e-8, weight_decay=decay, **CLIP)
    )
    model.layers[1].bias.assign([1.0, -1.0, 0.5])
    before = values(model.weights)
    expected = adam_by_hand(before, 6, rate_of, decay)
    after = train(model, 6)
    for path, weight in after.items():
        # float32; the steps are a thousand times as large.
        np.testing.assert_allclose(
            weight, expected[path], rtol=0, atol=5e-5, err_msg=path
        )
    np.testing.assert_array_equal(after["first/bias"], before["first/bias"])
    assert np.abs(after["first/kernel"] - before["first/kernel"]).max() > 0.02
    assert np.abs(after["second/bias"] - before["second/bias"]).max() > 0.05


def test_assignment_acts_on_the_other_groups():
    model = make_model(GroupAdam(0.02, {"input": 0.01}))
    before = train(model, 1)
    model.optimizer.learning_rate = 0.0
    after = train(model, 2)
    for path, group in GROUPS.items():
        moved = (before[path] != after[path]).any()
        assert moved == (group == "input"), path
    assert float(np.array(model.optimizer.learning_rate)) == 0.0


def test_variables_that_are_excluded_do_not_decay():
    optimizer = GroupAdam(0.02, {"input": 0.0}, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["kernel"])
    plain = keras.optimizers.Adam(0.02, weight_decay=0.5)
    plain.exclude_from_weight_decay(var_names=["kernel"])
    model, reference = make_model(optimizer), make_model(plain)
    before = values(model.weights)
    after, expected = train(model, 1), train(reference, 1)
    np.testing.assert_array_equal(after["first/kernel"], before["first/kernel"])
    for path in ("first/bias", "second/kernel", "second/bias"):
        np.testing.assert_allclose(after[path], expected[path], rtol=1e-5)


def test_a_saved_model_trains_on_as_if_it_had_not_stopped(tmp_path):
    model = make_model(GroupAdam(0.02, {"input": 0.005}, **CLIP))
    train(model, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(train(loaded, 3), train(model, 3))


def test_the_config_makes_the_same_optimizer():
    optimizer = GroupAdam(SCHEDULE, {"input": 0.005}, name="adam", **CLIP)
    assert GroupAdam.from_config(optimizer.get_config()).get_config() == (
        optimizer.get_config()
    )
    optimizer.set_groups(GROUPS)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is GroupAdam
    assert again.get_config() == optimizer.get_config()
    assert again.get_config()["groups"] == GROUPS


def test_gradients_scaled_for_half_precision_keep_the_rates():
    inner = GroupAdam(0.02, {"input": 0.0})
    inner.set_groups(GROUPS)
    model = make_model(keras.optimizers.LossScaleOptimizer(inner))
    before, after = values(model.weights), train(model, 2)
    np.testing.assert_array_equal(after["first/kernel"], before["first/kernel"])
    assert (after["second/kernel"] != before["second/kernel"]).any()


@pytest.mark.parametrize(
    "rates, message",
    [
        ({"atention": 1e-5}, "unknown groups: atention. Known.*input, pos"),
        ({"attention": SCHEDULE}, r"schedule goes.*\['attention'\]=<keras"),
        ({"attention": -1e-5}, "at least 0.*=-1e-05"),
        ({"attention": float("nan")}, "at least 0.*=nan"),
        ({"attention": True}, "at least 0.*=True"),
        ({"attention": "1e-5"}, "at least 0.*='1e-5'"),
        (1e-5, "maps groups to rates.*=1e-05"),
    ],
)
def test_rates_that_are_none_are_refused(rates, message):
    with pytest.raises(ValueError, match=message) as error:
        GroupAdam(1e-3, rates)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "groups, message",
    [
        (
            GROUPS,
            "nothing is trained: attention. Trained groups: input, positions, "
            "output. .*`finetune`",
        ),
        ({"head/kernel": "attn"}, "`groups`.*unknown groups: attn. Known"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, message):
    with pytest.raises(ValueError, match=message) as error:
        GroupAdam(1e-3, {"attention": 1e-5, "output": 1e-4}).set_groups(groups)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "groups, message",
    [
        (None, "models of this library.*`set_groups`"),
        ({"second/kernel": "output"}, "'first/kernel'.*`set_groups`"),
    ],
)
def test_variables_without_a_group_are_refused(groups, message):
    model = make_model(GroupAdam(0.02, {"output": 0.01}), groups)
    with pytest.raises(ValueError, match=message) as error:
        model.train_on_batch(X, Y)
    assert "\n" not in str(error.value)


class TestRatesForAnOptimizerThatIsThere:
    """What `compile(optimizer, learning_rates=...)` does."""

    @pytest.mark.parametrize("kind", ["names", "list"])
    def test_what_it_excludes_from_decay_stays_excluded(self, kind, tmp_path):
        weights = []
        for rates in (None, {"input": 0.02}):
            optimizer = keras.optimizers.AdamW(0.02, weight_decay=0.5)
            model = make_model("sgd")
            biases = [model.layers[1].bias, model.layers[2].bias]
            if kind == "names":
                optimizer.exclude_from_weight_decay(var_names=["bias"])
            else:
                optimizer.exclude_from_weight_decay(var_list=biases)
            if rates:
                assert GroupAdam.of(optimizer, rates) is optimizer
                optimizer.set_groups(GROUPS)
            for bias in biases:
                bias.assign([1.0] * bias.shape[0])
            model.compile(optimizer, "mse")
            weights.append(train(model, 3))
        assert_same(weights[1], weights[0])
        # Keras' own forget it in files.
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert_same(train(loaded, 3), train(model, 3))

    def test_its_learning_rate_is_set_on_it_as_before(self):
        optimizer = keras.optimizers.Adam(0.02, clipnorm=0.1)
        GroupAdam.of(optimizer, {"input": 0.0}).set_groups(GROUPS)
        model = make_model(optimizer, groups=None)
        optimizer.learning_rate = 0.0
        before, after = values(model.weights), train(model, 2)
        assert_same(after, before)
        assert optimizer.clipnorm == 0.1

    def test_its_state_goes_on(self):
        plain, model = (make_model(keras.optimizers.Adam(0.02)) for _ in "ab")
        train(plain, 3), train(model, 3)
        GroupAdam.of(model.optimizer, {"input": 0.02}).set_groups(GROUPS)
        model.compile(model.optimizer, "mse")
        assert_same(train(model, 3), train(plain, 3))
        assert int(model.optimizer.iterations) == 6

    @pytest.mark.parametrize("other", ["sgd", "nadam", "derived"])
    def test_others_are_refused(self, other):
        class Derived(keras.optimizers.AdamW):
            pass

        optimizer = Derived(0.1) if other == "derived" else other
        with pytest.raises(ValueError, match="`learning_rates` works with"):
            GroupAdam.of(optimizer, {"input": 0.02})

    @pytest.mark.parametrize("rates", [{"atention": 1e-5}, {"input": -1}, 3])
    def test_errors_name_the_argument_that_was_written(self, rates):
        optimizer = keras.optimizers.Adam(0.02)
        with pytest.raises(ValueError, match="learning_rates") as error:
            GroupAdam.of(optimizer, rates)
        assert "group_learning_rates" not in str(error.value)
        assert not isinstance(optimizer, GroupAdam)

    def test_a_group_that_is_not_trained_is_named_so_too(self):
        optimizer = GroupAdam.of("adam", {"attention": 1e-5})
        with pytest.raises(ValueError, match="`learning_rates` names") as error:
            optimizer.set_groups(GROUPS)
        assert "group_learning_rates" not in str(error.value)
