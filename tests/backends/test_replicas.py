"""Replicas on one frozen trunk train as they would alone."""

import inspect
import warnings

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.marks import jax_only
from helpers.marks import once
from helpers.processes import BLOCK
from helpers.processes import PRELUDE
from helpers.processes import run_code

import keras_fpt
from keras_fpt import replicas
from keras_fpt.tasks.batches import Batches

TASK = keras_fpt.tasks.BitXor(num_bits=3)
RATES = (1e-3, 1e-2, 3e-3)


def make(rates=RATES, dropout=0.1, **arguments):
    """Compiled siblings, the same each time."""
    keras.utils.set_random_seed(0)
    first = keras_fpt.FrozenPretrainedTransformer(
        make_backbone(dropout=dropout), task=TASK, dropout=dropout, **arguments
    )
    models = [first, *(first.sibling(TASK) for _ in rates[1:])]
    for model, rate in zip(models, rates, strict=True):
        model.compile(**TASK.compile_args(rate))
    return models


@jax_only
class TestTogether:
    @pytest.mark.parametrize("own_data", [False, True])
    def test_each_trains_as_it_would_alone(self, own_data):
        alone, together = make(RATES[:2]), make(RATES[:2])
        for one, other in zip(alone, together, strict=True):
            for path, value in values(one.weights).items():
                np.testing.assert_array_equal(
                    values(other.weights)[path], value
                )
        seeds = [0, 1] if own_data else [0, 0]
        expected = [
            model.fit(
                TASK.train_data(8, seed=seed),
                steps_per_epoch=10,
                epochs=2,
                shuffle=False,
                verbose=0,
            ).history
            for model, seed in zip(alone, seeds, strict=True)
        ]
        data = (
            [TASK.train_data(8, seed=seed) for seed in seeds]
            if own_data
            else TASK.train_data(8, seed=0)
        )
        replicas = keras_fpt.Replicas(together)
        histories = replicas.fit(data, steps_per_epoch=10, epochs=2)
        for history, other in zip(histories, expected, strict=True):
            assert set(history) == {"loss", "accuracy"}
            for name in history:
                np.testing.assert_allclose(
                    history[name], other[name], atol=1e-4
                )
        for one, other in zip(alone, together, strict=True):
            for path, value in values(one.weights).items():
                np.testing.assert_allclose(
                    values(other.weights)[path], value, atol=1e-4, err_msg=path
                )
        assert len({history["loss"][-1] for history in histories}) == 2
        found = replicas.evaluate(TASK.test_data(32))
        for model, result in zip(together, found, strict=True):
            own = model.evaluate(TASK.test_data(32), verbose=0)
            np.testing.assert_allclose(
                [result["loss"], result["accuracy"]], own, atol=1e-5
            )

    def test_frozen_values_that_differ(self):
        """Trunks of two seeds: each keeps its own, bit by bit."""

        def make_two():
            keras.utils.set_random_seed(0)
            models = [
                keras_fpt.FrozenPretrainedTransformer(
                    make_backbone(),
                    task=TASK,
                    initialization="random",
                    seed=seed,
                )
                for seed in (0, 1)
            ]
            for model in models:
                model.compile(**TASK.compile_args(1e-2))
            return models

        alone, together = make_two(), make_two()
        frozen = [values(m.non_trainable_weights) for m in together]
        assert not np.array_equal(*(v[max(v)] for v in frozen))
        replicas = keras_fpt.Replicas(together)
        data = TASK.train_data(8)
        histories = replicas.fit(data, steps_per_epoch=10)
        for model, history, other, kept in zip(
            alone, histories, together, frozen, strict=True
        ):
            expected = model.fit(
                data, steps_per_epoch=10, shuffle=False, verbose=0
            ).history
            np.testing.assert_allclose(
                history["loss"], expected["loss"], atol=1e-4
            )
            for path, value in values(other.non_trainable_weights).items():
                np.testing.assert_array_equal(value, kept[path])

    def test_a_second_fit_goes_on(self):
        whole, parts = make(RATES[:2]), make(RATES[:2])
        data = TASK.train_data(8)
        keras_fpt.Replicas(whole).fit(data, steps_per_epoch=6)
        replicas = keras_fpt.Replicas(parts)
        replicas.fit(data, steps_per_epoch=3)
        replicas.fit(TASK.train_data(8, start=3), steps_per_epoch=3)
        for one, other in zip(whole, parts, strict=True):
            for path, value in values(one.weights).items():
                np.testing.assert_allclose(
                    values(other.weights)[path], value, atol=1e-6
                )

    def test_one_that_diverges_leaves_the_others_alone(self):
        runs = []
        for rates in ((1e-3, 1e-3, 3e-3), (1e-3, 1e30, 3e-3)):
            models = make(rates)
            keras_fpt.Replicas(models).fit(
                TASK.train_data(8), steps_per_epoch=8
            )
            runs.append([values(model.weights) for model in models])
        good, bad = runs
        for i in (0, 2):
            for path, value in good[i].items():
                np.testing.assert_allclose(bad[i][path], value, atol=1e-6)
        head = next(path for path in bad[1] if path.startswith("head"))
        assert not np.isfinite(bad[1][head]).all()

    def test_each_is_a_normal_model_after(self, tmp_path):
        models = make()
        keras_fpt.Replicas(models).fit(TASK.train_data(8), steps_per_epoch=3)
        models[1].save_trained(tmp_path / "one.safetensors")
        again = make()[0]
        again.load_trained(tmp_path / "one.safetensors")
        x, _ = TASK.test_data(16)[0]
        np.testing.assert_allclose(
            again.predict(x, verbose=0),
            models[1].predict(x, verbose=0),
            atol=1e-6,
        )
        models[1].fit(
            TASK.train_data(8), steps_per_epoch=2, shuffle=False, verbose=0
        )


@jax_only
class TestNormalization:
    X = (100 + 0.3 * tokens(32, 6, 1)).astype("float32")
    DATA = Batches((X, np.arange(96).reshape(32, 3) % 2), 8)

    def test_each_keeps_its_own_statistics(self):
        def make_two():
            keras.utils.set_random_seed(0)
            first = keras_fpt.FrozenPretrainedTransformer(
                make_backbone(), task=TASK, dropout=0.0, normalize=self.X
            )
            second = first.sibling(TASK, normalize=([99.0], [0.5]))
            for model in (first, second):
                model.compile(**TASK.compile_args(1e-2))
            return first, second

        alone, together = make_two(), make_two()
        histories = keras_fpt.Replicas(together).fit(self.DATA, shuffle=False)
        losses = [history["loss"][0] for history in histories]
        assert abs(losses[0] - losses[1]) > 1e-3
        for one, other, loss in zip(alone, together, losses, strict=True):
            expected = one.fit(self.DATA, shuffle=False, verbose=0).history
            np.testing.assert_allclose(loss, expected["loss"][0], atol=1e-4)
            theirs = values(other.weights)
            for path, value in values(one.weights).items():
                np.testing.assert_allclose(theirs[path], value, atol=1e-4)

    def test_tokens_far_from_standard_are_warned_of(self):
        replicas = keras_fpt.Replicas(make())
        with pytest.warns(UserWarning, match="normalize=x") as caught:
            replicas.fit(self.DATA, steps_per_epoch=1)
        assert [
            w.filename for w in caught if "normalize" in str(w.message)
        ] == [__file__]


@jax_only
class TestRefusals:
    def test_models_that_differ(self):
        one, two = make()[0], make(finetune=("fpt", "attention"))[0]
        with pytest.raises(ValueError, match="train the same variables"):
            keras_fpt.Replicas([one, two])
        with pytest.raises(ValueError, match="each model once"):
            keras_fpt.Replicas([one, one])
        with pytest.raises(ValueError, match="at least one"):
            keras_fpt.Replicas([])
        with pytest.raises(ValueError, match="compiled"):
            keras_fpt.Replicas([one, one.sibling(TASK)])

    def test_data_that_does_not_fit(self):
        replicas = keras_fpt.Replicas(make())
        with pytest.raises(ValueError, match="without end"):
            replicas.fit(TASK.train_data(8))
        with pytest.raises(ValueError, match="Received: 2"):
            replicas.fit([TASK.train_data(8)] * 2, steps_per_epoch=1)
        with pytest.raises(ValueError, match="equal shapes"):
            sizes = [TASK.train_data(size) for size in (8, 8, 4)]
            replicas.fit(sizes, steps_per_epoch=1)
        with pytest.raises(ValueError, match="steps_per_epoch=0"):
            replicas.fit(TASK.train_data(8), steps_per_epoch=0)
        x, y = TASK.train_data(8)[0]
        good, bad = (Batches((x, answers), 8) for answers in (y, y + 2))
        for data in (bad, [good, good, bad]):
            with pytest.raises(ValueError, match="Classes must be"):
                replicas.fit(data)
            with pytest.raises(ValueError, match="Classes must be"):
                replicas.evaluate(data)

    def test_callbacks(self):
        with pytest.raises(ValueError, match="no callbacks"):
            keras_fpt.Replicas(make()).fit(
                TASK.train_data(8),
                steps_per_epoch=1,
                callbacks=[keras.callbacks.EarlyStopping()],
            )


class TestAsFit:
    """What `fit` takes, on every backend, and the same numbers."""

    X, Y = TASK.test_data(22)[0]

    def check(self, fit):
        """`fit` of replicas is what it is for each alone."""
        # Dropout on PyTorch goes on from the model before.
        alone, together = (make(RATES[:2], dropout=0.0) for _ in range(2))
        histories = fit(keras_fpt.Replicas(together), None)
        for i, (model, found) in enumerate(zip(alone, histories, strict=True)):
            expected = fit(model, i).history
            assert set(found) == set(expected)
            for name, numbers in expected.items():
                np.testing.assert_allclose(found[name], numbers, atol=1e-4)
            for path, value in values(model.weights).items():
                np.testing.assert_allclose(
                    values(together[i].weights)[path],
                    value,
                    atol=1e-4,
                    err_msg=path,
                )
        return histories, together

    def test_arrays_of_their_own_with_weights_and_validation(self):
        """The second has the examples in another order."""
        weights = np.linspace(0, 2, 66).astype("float32").reshape(22, 3)
        x, y = [self.X, self.X[::-1]], [self.Y, self.Y[::-1]]

        def fit(model, i):
            own = {"x": x, "y": y} if i is None else {"x": x[i], "y": y[i]}
            return model.fit(
                **own,
                batch_size=8,
                epochs=2,
                sample_weight=weights,
                validation_data=(self.X[:6], self.Y[:6]),
                shuffle=False,
                **({} if i is None else {"verbose": 0}),
            )

        histories, models = self.check(fit)
        assert set(histories[0]) >= {"loss", "val_loss", "val_accuracy"}
        assert len(histories[0]["val_loss"]) == 2
        scores = keras_fpt.Replicas(models).evaluate(x, y)
        for i, model in enumerate(models):
            own = model.evaluate(x[i], y[i], verbose=0, return_dict=True)
            assert scores[i] == pytest.approx(own, abs=1e-4)

    @once
    def test_a_data_set_is_read_again_in_each_epoch(self):
        """Three batches, the last of them smaller, three times."""
        read = []

        class Counted(Batches):
            def __getitem__(self, index):
                read.append(index)
                return super().__getitem__(index)

        def fit(model, i):
            quiet = {} if i is None else {"verbose": 0}
            data = Counted((self.X, self.Y), 8)
            return model.fit(data, epochs=3, shuffle=False, **quiet)

        histories, _ = self.check(fit)
        assert len(histories[0]["loss"]) == 3
        assert set(read) == {0, 1, 2}

    @pytest.mark.skipif(
        keras.backend.backend() == "tensorflow", reason="as on PyTorch"
    )
    def test_all_see_the_same_random_order(self):
        """Two equal models stay equal, epoch after epoch."""
        first, second = (make(RATES[:1], dropout=0.0)[0] for _ in range(2))
        orders = (
            {"x": self.X, "y": self.Y, "batch_size": 4},
            {"x": Batches((self.X, self.Y), 4)},
        )
        for data in orders:
            one, other = keras_fpt.Replicas([first, second]).fit(
                **data, epochs=2
            )
            np.testing.assert_allclose(one["loss"], other["loss"], rtol=1e-5)

    @once
    def test_classes_have_weights(self):
        """A class without weight is not learned."""
        x = tokens(16, 6, 3)
        y = np.arange(16) % 2
        models = []
        for _ in range(2):
            model = keras_fpt.FrozenPretrainedTransformer(
                make_backbone(), inputs=(6, 3), outputs=2
            )
            model.compile(
                keras.optimizers.Adam(1e-1),
                keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            )
            models.append(model)
        keras_fpt.Replicas(models).fit(
            x, y, epochs=4, class_weight={0: 0.0, 1: 1.0}
        )
        for model in models:
            assert (model.predict(x, verbose=0).argmax(-1) == 1).all()


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="not on JAX")
def test_one_after_the_other_is_said_once():
    replicas._say_once.cache_clear()
    models = make(RATES[:2])
    with pytest.warns(UserWarning, match="one after the other"):
        keras_fpt.Replicas(models)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keras_fpt.Replicas(models)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="not on JAX")
def test_a_generator_serves_one_alone():
    data = (TASK.train_data(4)[i] for i in range(3))
    with pytest.raises(ValueError, match="PyDataset"):
        keras_fpt.Replicas(make(RATES[:2])).fit(data)


@jax_only
def test_blocks_of_steps_change_no_number():
    runs = []
    for size in (1, 4):
        models = make(RATES[:2])
        for model, rate in zip(models, RATES, strict=False):
            model.compile(**TASK.compile_args(rate), steps_per_execution=size)
        together = keras_fpt.Replicas(models)
        data = [TASK.train_data(8, seed=seed) for seed in (0, 1)]
        history = together.fit(data, steps_per_epoch=8, epochs=2)
        runs.append((history, [values(model.weights) for model in models]))
    (history, weights), (blocks, others) = runs
    assert history == blocks
    for one, other in zip(weights, others, strict=True):
        for path, value in one.items():
            np.testing.assert_array_equal(other[path], value, err_msg=path)


@jax_only
def test_the_docstring_runs(tmp_path, tiny_preset):
    (code,) = BLOCK.findall(inspect.getdoc(keras_fpt.Replicas))
    # Eight blocks compile long.
    code = code.replace("gpt2_tiny_en", tiny_preset)
    run_code(PRELUDE + code, cwd=tmp_path)
