"""Features kept: the same training, the same answers, or a refusal."""

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.marks import once

import keras_fpt
from keras_fpt import baselines
from keras_fpt import tasks

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (7, 3), "outputs": 2}
FROZEN = {"finetune": "output_only", "dropout": 0.0}
X, Y = tokens(20, 7, 3), np.arange(20) % 2


def compile_it(model):
    model.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def fit(model, x, y=Y):
    fitted = compile_it(model).fit(
        x, y, batch_size=8, epochs=3, shuffle=False, verbose=0
    )
    return fitted.history["loss"]


def same_heads(model, other):
    for variable, theirs in zip(
        other.get_layer("head").weights,
        values(model.get_layer("head").weights).values(),
        strict=True,
    ):
        variable.assign(theirs)


class TestTraining:
    @pytest.mark.parametrize(
        "outputs",
        [
            (2, 2),
            pytest.param(2, marks=once),
            pytest.param((2, 3, 2), marks=once),
        ],
    )
    def test_it_is_that_of_the_whole_model(self, outputs):
        sizes = {**SIZES, "outputs": outputs}
        plain = FPT(make_backbone(), **sizes, **FROZEN)
        model = FPT(make_backbone(), **sizes, **FROZEN)
        for variable in model.weights:
            variable.assign(values(plain.weights)[variable.path])
        shape = () if outputs == 2 else outputs[:-1]
        y = np.random.default_rng(0).integers(2, size=(20, *shape))
        expected = fit(plain, X, y)
        features = keras_fpt.FeatureCache(model)
        losses = fit(features.head, features(X), y)
        np.testing.assert_allclose(losses, expected, rtol=1e-5)
        assert losses[-1] < losses[0]
        after = values(model.weights)
        for path, value in values(plain.weights).items():
            np.testing.assert_allclose(after[path], value, atol=1e-5)
        np.testing.assert_allclose(
            answers(model, X), answers(plain, X), atol=1e-5
        )

    def test_frozen_weights_stay_and_the_checkpoint_holds_the_head(
        self, backbone, tmp_path
    ):
        model = FPT(backbone, **SIZES, **FROZEN)
        before = values(model.weights)
        features = keras_fpt.FeatureCache(model)
        fit(features.head, features(X))
        after = values(model.weights)
        for path, value in before.items():
            assert (after[path] == value).all() != path.startswith("head")
        model.save_trained(tmp_path / "head.safetensors")
        again = FPT(backbone, **SIZES, **FROZEN)
        for variable in again.weights:
            if variable.path.startswith("input"):
                variable.assign(after[variable.path])
        again.load_trained(tmp_path / "head.safetensors")
        np.testing.assert_allclose(
            answers(again, X), answers(model, X), atol=1e-6
        )

    @once
    def test_padding_and_bfloat16(self, tmp_path):
        make_backbone().save_to_preset(str(tmp_path / "preset"))
        model = FPT.from_preset(
            str(tmp_path / "preset"),
            inputs={"num_tokens": 7, "vocabulary_size": 5},
            outputs=2,
            padding_mask=True,
            readout="last_real",
            dtype="mixed_bfloat16",
            **FROZEN,
        )
        ids = np.random.default_rng(0).integers(5, size=(20, 7))
        mask = np.arange(7) < 1 + np.arange(20)[:, None] % 7
        x = {"tokens": ids, "padding_mask": mask}
        features = keras_fpt.FeatureCache(model, tmp_path / "kept")
        assert features(x).dtype == "float32"
        np.testing.assert_allclose(
            answers(features.head, features(x)), answers(model, x), atol=1e-2
        )
        losses = fit(features.head, features(x))
        assert losses[-1] < losses[0]


@once
class TestKeeping:
    def count(self, monkeypatch):
        computed = []
        compute = keras_fpt.FeatureCache._compute

        def counted(self, x, batch_size):
            computed.append(x)
            return compute(self, x, batch_size)

        monkeypatch.setattr(keras_fpt.FeatureCache, "_compute", counted)
        return computed

    def test_what_was_computed_is_not_computed_again(
        self, backbone, monkeypatch, tmp_path
    ):
        computed = self.count(monkeypatch)
        model = FPT(backbone, **SIZES, **FROZEN)
        features = keras_fpt.FeatureCache(model, tmp_path / "kept")
        first = features(X)
        assert first.shape == (20, 16)
        np.testing.assert_array_equal(features(X.copy()), first)
        # The head has changed, and what is before it has not.
        fit(features.head, first)
        again = keras_fpt.FeatureCache(model, tmp_path / "kept")
        np.testing.assert_array_equal(again(X), first)
        assert len(computed) == 1
        assert len(list((tmp_path / "kept").iterdir())) == 1

    def test_what_it_gives_is_not_its_own(self, backbone):
        features = keras_fpt.FeatureCache(FPT(backbone, **SIZES, **FROZEN))
        first = features(X)
        expected = first.copy()
        for given in (first, features(X)):
            given[:] = 0
            np.testing.assert_array_equal(features(X), expected)

    @pytest.mark.parametrize(
        "change",
        [
            lambda kept: {"features": kept["features"][:3]},
            lambda kept: {"features": kept["features"][:, :5]},
            lambda kept: {"features": kept["features"].astype("float16")},
            lambda kept: {"features": kept["features"] * np.nan},
            lambda kept: {"others": kept["features"]},
        ],
        ids=["rows", "width", "dtype", "nan", "name"],
    )
    def test_a_file_of_other_features_is_made_again(
        self, backbone, tmp_path, change
    ):
        model = FPT(backbone, **SIZES, **FROZEN)
        expected = keras_fpt.FeatureCache(model, tmp_path)(X)
        (path,) = tmp_path.iterdir()
        np.savez(path, **change(dict(np.load(path))))
        with pytest.warns(
            UserWarning, match="no features of these.*made again"
        ):
            again = keras_fpt.FeatureCache(model, tmp_path)(X)
        np.testing.assert_array_equal(again, expected)
        assert dict(np.load(path))["features"].shape == expected.shape

    def test_other_examples_and_other_weights_have_their_own(
        self, backbone, monkeypatch, tmp_path
    ):
        computed = self.count(monkeypatch)
        kept = tmp_path / "kept"
        model = FPT(backbone, **SIZES, **FROZEN)
        first = keras_fpt.FeatureCache(model, kept)(X)
        other = X.copy()
        other[3] += 1
        changed = keras_fpt.FeatureCache(model, kept)(other)
        rows = np.flatnonzero((changed != first).any(axis=1))
        assert rows.tolist() == [3]
        layer = model.get_layer("input_projection")
        layer.bias.assign(np.ones(16))
        assert (keras_fpt.FeatureCache(model, kept)(X) != first).any()
        mean = FPT(backbone, **SIZES, **FROZEN, readout="mean")
        for variable in mean.weights:
            variable.assign(values(model.weights)[variable.path])
        assert (keras_fpt.FeatureCache(mean, kept)(X) != first).any()
        assert len(computed) == 4 == len(list(kept.iterdir()))

    def test_weights_that_change_after_it_was_made(self, backbone):
        model = FPT(backbone, **SIZES, **FROZEN)
        features = keras_fpt.FeatureCache(model)
        first = features(X)
        model.get_layer("input_projection").bias.assign(np.ones(16))
        assert (features(X) != first).any()
        np.testing.assert_allclose(
            answers(features.head, features(X)), answers(model, X), atol=1e-5
        )


@once
class TestRefusals:
    def test_something_before_the_head_is_trained(self, backbone):
        model = FPT(backbone, **SIZES, dropout=0.0)
        with pytest.raises(ValueError, match="'output_only'.*'input_pro"):
            keras_fpt.FeatureCache(model)

    def test_dropout(self):
        model = FPT(make_backbone(), **SIZES, finetune="output_only")
        with pytest.raises(ValueError, match="dropout=0.0.*dropout=0.1"):
            keras_fpt.FeatureCache(model)(X)
        # Of the backbone, which keeps its own.
        model = FPT(make_backbone(dropout=0.1), **SIZES, **FROZEN)
        with pytest.raises(ValueError, match="other features each time"):
            keras_fpt.FeatureCache(model)(X)

    def test_a_random_first_state(self):
        arguments = {**SIZES, **FROZEN, "hidden_dim": 8, "num_layers": 1}
        model = baselines.lstm(
            **arguments, layernorm_init="standard", initial_state="random"
        )
        with pytest.raises(ValueError, match="random first state"):
            keras_fpt.FeatureCache(model)(X)
        model = baselines.lstm(**arguments)
        assert keras_fpt.FeatureCache(model)(X).shape == (20, 8)

    def test_batches_that_are_drawn_or_augmented(self, backbone, made_up):
        task = tasks.get("bit_xor")
        model = FPT(backbone, task=task, **FROZEN)
        with pytest.raises(ValueError, match="Stream.*train_examples"):
            keras_fpt.FeatureCache(model)(task.train_data(4))
        with pytest.raises(ValueError, match="without end"):
            task.train_examples()
        task = tasks.get("cifar10", cache_dir=made_up)
        with pytest.raises(ValueError, match="augment=False"):
            task.train_examples()
        task = tasks.get("cifar10", cache_dir=made_up, augment=False)
        with pytest.raises(ValueError, match="without end"):
            tasks.ShuffledTokens(task).train_examples()

    def test_no_arrays(self, backbone):
        features = keras_fpt.FeatureCache(FPT(backbone, **SIZES, **FROZEN))
        for x, message in (
            ((batch for batch in X), "generator.*train_examples"),
            (X.tolist(), "list.*train_examples"),
            (X[:0], "one example at least"),
        ):
            with pytest.raises(ValueError, match=message):
                features(x)

    def test_shapes(self, backbone):
        model = FPT(backbone, **SIZES, **FROZEN)
        with pytest.raises(ValueError, match="Received shape"):
            keras_fpt.FeatureCache(model)(tokens(4, 6, 3))


@once
def test_examples_of_a_split(made_up):
    task = tasks.get("mnist", cache_dir=made_up)
    x, y = task.train_examples()
    assert len(x) == len(y) == 55_000 and x.shape[1:] == task.inputs
    shuffled_x, shuffled_y = tasks.ShuffledTokens(
        task, order="fixed"
    ).train_examples()
    np.testing.assert_array_equal(shuffled_y, y)
    np.testing.assert_array_equal(
        np.sort(shuffled_x[:50], axis=1), np.sort(x[:50], axis=1)
    )
    assert (shuffled_x[:50] != x[:50]).any()
