"""Checkpoints of what was trained: across backends, refused where foreign."""

import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.checks import check_equal
from helpers.checks import check_trained_file
from helpers.marks import each
from helpers.marks import once
from helpers.processes import other_backend
from helpers.processes import run_process
from helpers.processes import run_python

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (6, 3), "outputs": 4}


def moved(model, seed=1):
    """The model with other trained values, as if it had been trained."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(weight + 0.1 * rng.standard_normal(weight.shape))
    return model


@pytest.fixture
def preset(backbone, tmp_path):
    backbone.save_to_preset(str(tmp_path / "preset"))
    return str(tmp_path / "preset")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trained.safetensors"


def test_only_the_trained_variables_are_written(backbone, path):
    import safetensors.numpy

    model = moved(FPT(backbone, **SIZES))
    model.save_trained(path)
    tensors = safetensors.numpy.load_file(path)
    trained = values(model.trainable_weights)
    assert set(tensors) == set(trained)
    for name, value in trained.items():
        np.testing.assert_array_equal(tensors[name], value)


@once
def test_a_frozen_input_layer_is_written_too(backbone, path):
    """It was drawn for this model alone: nothing else could bring it back."""
    model = moved(FPT(backbone, **SIZES, finetune="output_only"))
    fresh = FPT(backbone, **SIZES, finetune="output_only")
    check_trained_file(model, path, fresh)
    assert path.stat().st_size < 3_000


def test_comes_back_bit_for_bit(backbone, path):
    model = moved(FPT(backbone, **SIZES, finetune=("fpt", "attention[0]")))
    fresh = FPT(backbone, **SIZES, finetune=("fpt", "attention[0]"))
    check_trained_file(model, path, fresh)


READ_ON_ANOTHER_BACKEND = """
import sys
import numpy as np
import keras_fpt

path, output = sys.argv[1:]
model = keras_fpt.FrozenPretrainedTransformer.from_trained(path)
x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
np.save(output, model.predict(x, verbose=0))
"""


@pytest.mark.parametrize("initialization", each("pretrained", "random"))
def test_another_backend_reads_it(preset, initialization, path, tmp_path):
    backend = other_backend()
    model = moved(
        FPT.from_preset(preset, **SIZES, initialization=initialization)
    )
    model.save_trained(path)
    output = tmp_path / "logits.npy"
    run_python(READ_ON_ANOTHER_BACKEND, path, output, backend=backend)
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    np.testing.assert_allclose(
        np.load(output), model.predict(x, verbose=0), atol=1e-5
    )


@once
def test_from_trained_needs_nothing_but_the_file(preset, path):
    model = moved(
        FPT.from_preset(
            preset,
            **SIZES,
            num_layers=1,
            initialization="random",
            finetune="output_only",
        )
    )
    model.save_trained(path)
    again = FPT.from_trained(path)
    assert again.get_config() == model.get_config()
    check_equal(again.weights, model.weights)


@once
def test_from_trained_keeps_a_longer_position_table(path):
    model = FPT.from_preset(
        "gpt2_tiny_en",
        inputs=(6, 3),
        outputs=4,
        num_layers=1,
        num_positions=1030,
    )
    model.save_trained(path)
    again = FPT.from_trained(path)
    assert again.trunk.num_positions == 1030
    x = np.ones((2, 6, 3), "float32")
    np.testing.assert_array_equal(
        again.predict(x, verbose=0), model.predict(x, verbose=0)
    )


@once
def test_header_names_preset_config_seed_and_hash(preset, path):
    import json

    import safetensors

    model = FPT.from_preset(preset, **SIZES, initialization="random", seed=7)
    model.save_trained(path)
    with safetensors.safe_open(path, framework="numpy") as file:
        header = file.metadata()
    config = json.loads(header["model"])
    assert config["trunk"]["config"]["preset"] == preset
    assert config["seed"] == 7 and config["initialization"] == "random"
    assert config["finetune"] == "fpt" and config["outputs"] == 4
    assert len(header["frozen_sha256"]) == 64


@once
def test_a_preset_that_moved_is_named_anew(backbone, tmp_path, path):
    old, new = tmp_path / "old", tmp_path / "new"
    backbone.save_to_preset(str(old))
    model = moved(FPT.from_preset(str(old), **SIZES))
    model.save_trained(path)
    old.rename(new)
    with pytest.raises(ValueError, match="no folder"):
        FPT.from_trained(path)
    again = FPT.from_trained(path, preset=str(new))
    check_equal(again.weights, model.weights)


@once
def test_a_backbone_object_has_no_preset_to_build_from(backbone, path):
    FPT(backbone, **SIZES).save_trained(path)
    with pytest.raises(ValueError, match="around that backbone"):
        FPT.from_trained(path)


@once
@pytest.mark.parametrize("task", ["bit_memory", "bit_xor"])
def test_a_file_of_gpt2_base_takes_four_megabytes(task, path):
    import keras_nlp

    backbone = keras_nlp.models.GPT2Backbone(
        vocabulary_size=1,
        num_layers=12,
        num_heads=12,
        hidden_dim=768,
        intermediate_dim=3072,
    )
    FPT(backbone, task=keras_fpt.tasks.get(task)).save_trained(path)
    assert 3_300_000 < path.stat().st_size < 4_000_000


@once
class TestRefusals:
    def refused(self, model, path, message):
        before = values(model.weights)
        with pytest.raises(ValueError, match=message) as error:
            model.load_trained(path)
        assert "\n" not in str(error.value)
        for name, value in values(model.weights).items():
            np.testing.assert_array_equal(value, before[name])

    def test_other_frozen_weights(self, backbone, path):
        moved(FPT(backbone, **SIZES)).save_trained(path)
        shallow = FPT(backbone, **SIZES, num_layers=1, finetune="output_only")
        FPT(backbone, **SIZES, finetune="output_only").save_trained(path)
        self.refused(shallow, path, "2 blocks of .* model has 1 blocks of")
        moved(FPT(backbone, **SIZES)).save_trained(path)
        other = make_backbone()
        for weight in other.weights:
            if "query/kernel" in weight.path:
                weight.assign(weight * 1.001)
        self.refused(FPT(other, **SIZES), path, "on other frozen weights")

    def test_other_seed_of_a_random_trunk(self, preset, path):
        arguments = {**SIZES, "initialization": "random"}
        FPT.from_preset(preset, **arguments, seed=5).save_trained(path)
        model = FPT.from_preset(preset, **arguments, seed=6)
        self.refused(
            model,
            path,
            "2 blocks of .*preset, random with seed 5.*has .* seed 6",
        )

    def test_lists_what_is_missing_extra_and_misshapen(self, backbone, path):
        FPT(backbone, inputs=(6, 2), outputs=4).save_trained(path)
        ids = {"num_tokens": 6, "vocabulary_size": 9}
        model = FPT(backbone, inputs=ids, outputs=3)
        self.refused(
            model,
            path,
            r"missing: input_embedding/embeddings; extra: input_projection/"
            r"bias, input_projection/kernel; misshapen: head/bias is \(4,\), "
            r"expected \(3,\), head/kernel is \(16, 4\), expected \(16, 3\)",
        )

    def test_other_finetune_groups(self, backbone, path):
        FPT(backbone, **SIZES, finetune="output_only").save_trained(path)
        self.refused(FPT(backbone, **SIZES), path, "missing: layer_norm/beta, ")

    @pytest.mark.parametrize("theirs", ["mean", "flatten"])
    def test_another_readout(self, backbone, path, theirs):
        moved(FPT(backbone, **SIZES, readout=theirs)).save_trained(path)
        message = f"readout='{theirs}'.*readout='last'.*that of the file"
        self.refused(FPT(backbone, **SIZES), path, message)

    def test_cut_off(self, backbone, path):
        model = FPT(backbone, **SIZES)
        model.save_trained(path)
        whole = path.read_bytes()
        for length in (0, 7, 100, len(whole) - 1):
            path.write_bytes(whole[:length])
            self.refused(model, path, "not a whole safetensors file")

    def test_foreign(self, backbone, path):
        import safetensors.numpy

        model = FPT(backbone, **SIZES)
        path.write_text("not a checkpoint")
        self.refused(model, path, "not a whole safetensors file")
        safetensors.numpy.save_file(values(model.trainable_weights), path)
        self.refused(model, path, "holds no trained variables of keras_fpt")

    def test_not_there(self, backbone, tmp_path):
        model = FPT(backbone, **SIZES)
        self.refused(model, tmp_path / "none.safetensors", "There is no")
        with pytest.raises(ValueError, match="there is no folder"):
            model.save_trained(tmp_path / "none" / "a.safetensors")
        assert list(tmp_path.iterdir()) == []


KILLED_WHILE_WRITING = """
import os, signal, sys
import keras_fpt.checkpoints as checkpoints
import keras_fpt.files as files

class Variable:
    path, shape = "a", (4,)
    value = [9.0] * 4

# The process dies when the new file is written but not yet in place.
files.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
checkpoints.save_trained(sys.argv[1], [Variable()], [], {})
"""


@once
def test_a_kill_leaves_the_old_file_whole(backbone, path):
    model = moved(FPT(backbone, **SIZES))
    model.save_trained(path)
    before = path.read_bytes()
    process = run_process(KILLED_WHILE_WRITING, path)
    assert process.returncode == -9
    assert path.read_bytes() == before
    model.load_trained(path)
