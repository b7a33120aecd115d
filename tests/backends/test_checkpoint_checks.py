"""What a checkpoint says of itself is checked before a value is taken."""

import json

import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.marks import once

import keras_fpt

pytestmark = once
FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (6, 3), "outputs": 4}
SHORT = {"finetune": "output_only", **SIZES}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trained.safetensors"


def refused(model, path, message):
    before = values(model.weights)
    with pytest.raises(ValueError, match=message) as error:
        model.load_trained(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    for name, value in values(model.weights).items():
        np.testing.assert_array_equal(value, before[name])


def rewrite(path, change):
    """Changes tensors and metadata of a file, as another program would."""
    import safetensors.numpy

    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = dict(file.metadata())
    tensors = safetensors.numpy.load_file(path)
    change(tensors, metadata)
    safetensors.numpy.save_file(tensors, path, metadata)


class TestHash:
    def test_any_flipped_bit(self, backbone, path):
        model = FPT(backbone, **SHORT)
        model.save_trained(path)
        whole = path.read_bytes()
        for place in range(9, len(whole), max(1, len(whole) // 60)):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << place % 8
            path.write_bytes(damaged)
            refused(model, path, "damaged|not a whole|lacks|format|not fit")
        path.write_bytes(whole)
        model.load_trained(path)

    def test_a_value_or_the_header_that_another_program_changed(
        self, backbone, path
    ):
        model = FPT(backbone, **SHORT)

        def value(tensors, metadata):
            tensors["head/bias"][0] += 1

        def seed(tensors, metadata):
            header = json.loads(metadata["model"])
            metadata["model"] = json.dumps({**header, "seed": 9})

        for change in (value, seed):
            model.save_trained(path)
            rewrite(path, change)
            refused(model, path, "is damaged: its content has another SHA-256")

    def test_a_file_of_before_loads_with_a_warning(self, backbone, path):
        model = FPT(backbone, **SHORT)
        model.save_trained(path)
        rewrite(path, lambda _, metadata: metadata.pop("sha256"))
        fresh = FPT(backbone, **SHORT)
        with pytest.warns(UserWarning, match="no hash of its values") as found:
            fresh.load_trained(path)
        assert found[0].filename == __file__
        for name, value in values(model.trainable_weights).items():
            np.testing.assert_array_equal(
                values(fresh.trainable_weights)[name], value
            )


@pytest.mark.filterwarnings("ignore:.*no hash of its values")
class TestContent:
    """Of files without a hash, or with one that was made again."""

    def changed(self, backbone, path, change):
        model = FPT(backbone, **SHORT)
        model.save_trained(path)

        def all_of_it(tensors, metadata):
            metadata.pop("sha256")
            change(tensors, metadata)

        rewrite(path, all_of_it)
        return model

    @pytest.mark.parametrize("value", [np.nan, -np.inf])
    def test_values_that_are_not_finite(self, backbone, path, value):
        def change(tensors, _):
            tensors["head/kernel"][3, 1] = value

        model = self.changed(backbone, path, change)
        refused(model, path, "finite values. Received NaN or .*head/kernel")

    @pytest.mark.parametrize("dtype", ["float16", "float64", "int32"])
    def test_another_dtype(self, backbone, path, dtype):
        def change(tensors, _):
            tensors["head/bias"] = tensors["head/bias"].astype(dtype)

        model = self.changed(backbone, path, change)
        refused(model, path, f"head/bias in float32. Received: {dtype}")

    @pytest.mark.parametrize(
        "text", ["", "no JSON", "{}", "[]", "3", '{"trunk": {}}', None]
    )
    def test_a_header_that_is_none(self, backbone, path, text):
        def change(_, metadata):
            metadata.pop("model")
            if text is not None:
                metadata["model"] = text

        model = self.changed(backbone, path, change)
        refused(model, path, "The header of .* it lacks (a )?model")
        with pytest.raises(ValueError, match="The header of"):
            FPT.from_trained(path)

    def test_a_header_without_the_hash_of_the_trunk(self, backbone, path):
        model = self.changed(
            backbone, path, lambda _, metadata: metadata.pop("frozen_sha256")
        )
        refused(model, path, "it lacks frozen_sha256")


def test_diverged_values_are_not_written(backbone, path):
    model = FPT(backbone, **SHORT)
    bias = model.get_layer("head").weights[-1]
    bias.assign(bias + np.nan)
    with pytest.raises(ValueError, match="NaN or infinity in head/bias: they"):
        model.save_trained(path)
    assert not path.exists()


class TestOtherModels:
    @pytest.mark.parametrize(
        "theirs, message",
        [
            ({"outputs": (1, 4)}, r"outputs is \[1, 4\] in the file and 4 in"),
            ({"inputs": (5, 3)}, r"inputs is \[5, 3\] in the file"),
            (
                {"padding_mask": True, "readout": "last"},
                "padding_mask is True in the file",
            ),
        ],
    )
    def test_another_interface(self, backbone, path, theirs, message):
        FPT(backbone, **{**SHORT, **theirs}).save_trained(path)
        refused(FPT(backbone, **SHORT), path, f"in another model: {message}")

    def test_a_trunk_that_computes_otherwise(self, backbone, path):
        """Its values are the same: no hash of them can tell."""
        FPT(backbone, **SHORT).save_trained(path)
        other = make_backbone()
        for name, value in values(backbone.weights).items():
            next(v for v in other.weights if v.path == name).assign(value)
        model = FPT(other, **SHORT)
        model.trunk.config["layer_norm_epsilon"] = 0.5
        message = "trunk's layer_norm_epsilon is .* in the file and 0.5 in this"
        refused(model, path, message)

    def test_another_dropout_or_name_is_no_other_model(self, backbone, path):
        model = FPT(backbone, **SHORT)
        model.save_trained(path)
        FPT(backbone, **SHORT, dropout=0.3, name="other").load_trained(path)


class TestFromTrained:
    @pytest.mark.filterwarnings("ignore:.*no hash of its values")
    def test_an_argument_of_a_newer_version(self, path):
        model = FPT.from_preset("gpt2_tiny_en", **SHORT, num_layers=1)
        model.save_trained(path)

        def change(_, metadata):
            metadata.pop("sha256")
            header = json.loads(metadata["model"])
            metadata["model"] = json.dumps({**header, "rotations": 3})

        rewrite(path, change)
        with pytest.raises(ValueError, match="asks for rotations, which this"):
            FPT.from_trained(path)

    def test_a_file_of_a_baseline(self, path):
        baseline = keras_fpt.baselines.lstm(**SIZES, hidden_dim=8)
        baseline.save_trained(path)
        with pytest.raises(ValueError, match="another class of models"):
            FPT.from_trained(path)
        baseline.load_trained(path)
