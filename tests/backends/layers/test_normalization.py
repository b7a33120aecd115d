"""Tokens are standardized at a model's entrance, wherever it goes."""

import json

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.checks import check_freeze
from helpers.checks import check_learns
from helpers.checks import check_survives
from helpers.checks import check_trained_file
from helpers.checks import flags
from helpers.marks import once

import keras_fpt
from keras_fpt import baselines
from keras_fpt.layers import Standardization

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (6, 3), "outputs": 2}
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
# Numbers of a token that have nothing in common.
X = (tokens(32, 6, 3) * [0.3, 50, 1e-3] + [100, -20, 0]).astype("float32")
Y = np.arange(32) % 2
MEAN, STD = (f(X.astype("float64"), (0, 1)) for f in (np.mean, np.std))
BY_HAND = ((X - MEAN) / STD).astype("float32")


def make(normalize=X, **arguments):
    """A tiny model on one frozen trunk, the same each time."""
    keras.utils.set_random_seed(0)
    arguments = {**SIZES, "dropout": 0.0, **arguments}
    return FPT(make_backbone(), **arguments, normalize=normalize)


def plain_twin(model, **arguments):
    """The same model on tokens as they are."""
    twin = make(normalize=None, **arguments)
    theirs = values(model.weights)
    for variable in twin.weights:
        variable.assign(theirs[variable.path])
    return twin


def numbers(model):
    """Mean and variance that a model holds."""
    mean, variance = model.get_layer("normalization").weights
    return keras.ops.convert_to_numpy(mean), keras.ops.convert_to_numpy(
        variance
    )


class TestLayer:
    def test_it_standardizes_and_comes_back(self):
        layer = Standardization(MEAN, STD**2)
        computed = keras.ops.convert_to_numpy(layer(X))
        np.testing.assert_allclose(computed, BY_HAND, atol=1e-4)
        again = Standardization.from_config(
            json.loads(json.dumps(layer.get_config()))
        )
        assert again.get_config() == layer.get_config()
        np.testing.assert_array_equal(again(X), computed)
        assert not layer.trainable_variables
        layer.trainable = True
        assert not layer.trainable_variables

    def test_float32_under_any_policy(self):
        x = (100 + 0.3 * tokens(32, 6, 3)).astype("float32")
        layer = Standardization([100] * 3, [0.09] * 3, dtype="mixed_bfloat16")
        computed = layer(x)
        assert keras.backend.standardize_dtype(computed.dtype) == "float32"
        computed = keras.ops.convert_to_numpy(computed)
        np.testing.assert_allclose(computed, tokens(32, 6, 3), atol=1e-4)


class TestModel:
    @pytest.mark.compiled
    def test_it_equals_one_on_tokens_that_were_standardized(self):
        model = make()
        twin = plain_twin(model)
        np.testing.assert_allclose(
            answers(model, X), answers(twin, BY_HAND), atol=1e-5
        )
        for one, x in ((model, X), (twin, BY_HAND)):
            one.compile(keras.optimizers.Adam(1e-3), CROSS_ENTROPY)
            one.fit(x, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        np.testing.assert_allclose(
            model.predict(X, verbose=0),
            twin.predict(BY_HAND, verbose=0),
            atol=1e-3,
        )

    def test_units_of_the_data_do_not_matter(self):
        expected = None
        for x in (BY_HAND, 30 * BY_HAND, BY_HAND * 0.03, BY_HAND + 100):
            found = answers(make(normalize=x), x)
            expected = found if expected is None else expected
            np.testing.assert_allclose(found, expected, atol=1e-4)

    @pytest.mark.parametrize("finetune", ["fpt", "full", "output_only"])
    def test_its_values_are_never_trained(self, finetune):
        model = make(finetune=finetune)
        paths = [path for path in flags(model) if "normalization" in path]
        assert len(paths) == 2 and not any(flags(model)[p] for p in paths)
        counts = model.finetune_summary(lambda text: None)
        assert counts.pop("normalization") == {
            "trained": 0,
            "total": 6,
            "paper": 0,
        }
        without = plain_twin(model, finetune=finetune)
        expected = without.finetune_summary(lambda text: None)
        expected["total"]["total"] += 6
        assert counts == expected
        model.trainable = False
        model.trainable = True
        assert not any(flags(model)[path] for path in paths)
        model.compile(keras.optimizers.Adam(1e-2), CROSS_ENTROPY)
        check_freeze(model, lambda model: check_learns(model, X, Y, epochs=2))

    def test_it_survives_files(self, tmp_path):
        model = make(finetune=("fpt", "attention[-1]"))
        check_survives(model, tmp_path / "model.keras", X)
        clone = keras.models.clone_model(model)
        np.testing.assert_array_equal(numbers(clone), numbers(model))

    def test_the_trained_file_brings_its_statistics(self, tmp_path):
        model, other = make(), make(normalize=BY_HAND)
        path = tmp_path / "trained.safetensors"
        check_trained_file(model, path, other, X)
        # What is written next is what is there now.
        assert other.get_config() == model.get_config()
        check_survives(other, tmp_path / "other.keras", X)
        np.testing.assert_array_equal(numbers(other.sibling()), numbers(model))

    @once
    def test_from_trained(self, tiny_preset, tmp_path):
        model = FPT.from_preset(tiny_preset, **SIZES, normalize=X)
        model.save_trained(tmp_path / "trained.safetensors")
        again = FPT.from_trained(tmp_path / "trained.safetensors")
        assert again.get_config() == model.get_config()
        np.testing.assert_array_equal(answers(again, X), answers(model, X))

    @once
    def test_files_without_statistics(self, tmp_path):
        """Written before there were any; nothing is taken for granted."""
        old, path = make(normalize=None), tmp_path / "old.safetensors"
        assert "normalize" not in old.get_config()
        check_trained_file(old, path, make(normalize=None), X)
        check_trained_file(old, path, make(normalize=False), X)
        with pytest.raises(ValueError, match="missing: .*/mean.*`normalize`"):
            make().load_trained(path)
        make().save_trained(path)
        with pytest.raises(ValueError, match="extra: .*/mean.*`normalize`"):
            old.load_trained(path)

    def test_padding_does_not_count(self):
        mask = np.arange(6) < np.arange(32)[:, None] % 6 + 1
        padded = {"tokens": np.where(mask[..., None], X, 0)}
        padded["padding_mask"] = mask
        arguments = {"padding_mask": True, "readout": "last_real"}
        model = make(normalize=padded, **arguments)
        np.testing.assert_allclose(numbers(model)[0], X[mask].mean(0), 1e-3)
        np.testing.assert_allclose(numbers(model)[1], X[mask].var(0), 1e-3)
        rubbish = {**padded, "tokens": np.where(mask[..., None], X, 1e4)}
        same = make(normalize=rubbish, **arguments)
        np.testing.assert_array_equal(numbers(same), numbers(model))
        np.testing.assert_allclose(
            answers(model, rubbish), answers(model, padded), atol=1e-5
        )

    def test_constants_are_centered_and_not_blown_up(self):
        x = np.full((32, 6, 3), 0.1, "float32")
        x[..., 1] = 1e5
        x[..., 2] = X[..., 2]
        model = make(normalize=x)
        np.testing.assert_array_equal(numbers(model)[1][:2], 1)
        # A given variance of 0 is one, too.
        pair = make(normalize=(x[0, 0], np.array([0, 0, 1e-6])))
        np.testing.assert_allclose(numbers(pair)[1], [1, 1, 1e-6])
        hidden = keras.Model(
            model.input, model.get_layer("normalization").output
        )
        computed = answers(hidden, x + np.array([1, 1, 0], "float32"))
        np.testing.assert_allclose(computed[..., :2], 1, atol=1e-2)

    def test_precision_of_bfloat16_does_not_lose_it(self):
        x = (100 + 0.3 * tokens(32, 6, 3)).astype("float32")
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            model = make(normalize=x)
            twin = plain_twin(model)
            found = answers(model, x)
            y = answers(twin, (x - x.mean((0, 1))) / x.std((0, 1)))
            np.testing.assert_allclose(found, y, atol=0.05)
            assert found.std(0).min() > 0.05  # examples differ
        finally:
            keras.config.set_dtype_policy("float32")

    @once
    def test_features_and_attention_follow_it(self):
        model = make(finetune="output_only")
        features = keras_fpt.FeatureCache(model)
        twin = plain_twin(model, finetune="output_only")
        np.testing.assert_allclose(
            features(X), keras_fpt.FeatureCache(twin)(BY_HAND), atol=1e-4
        )
        maps = keras_fpt.attention_maps(model, X)
        np.testing.assert_allclose(
            maps, keras_fpt.attention_maps(twin, BY_HAND), atol=1e-4
        )


@once
@pytest.mark.parametrize(
    "name", ["lstm", "transformer", "no_trunk", "one_attention_layer"]
)
def test_baselines(name, tmp_path):
    sizes = {} if name == "lstm" else {"num_heads": 2, "num_positions": 8}
    sizes = {} if name == "no_trunk" else sizes
    layers = {"num_layers": 1} if name in ("lstm", "transformer") else {}
    model = getattr(baselines, name)(
        **SIZES, hidden_dim=16, **sizes, **layers, normalize=X
    )
    np.testing.assert_allclose(numbers(model)[0], MEAN, rtol=1e-4)
    check_survives(model, tmp_path / "model.keras", X)
    again = type(model).from_config(model.get_config())
    np.testing.assert_array_equal(numbers(again), numbers(model))
