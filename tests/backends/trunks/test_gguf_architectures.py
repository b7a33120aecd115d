"""GGUF files beside Hugging Face's folders of the same weights."""

import os

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.checks import check_equal
from helpers.checks import check_survives
from helpers.gguf_files import rope_freqs
from helpers.gguf_files import write_gguf
from helpers.huggingface import nothing_drawn
from helpers.marks import each
from helpers.marks import once
from helpers.tiny_models import CONFIGS
from helpers.tiny_models import GPT2
from helpers.tiny_models import LLAMA
from helpers.tiny_models import random_tensors
from helpers.tiny_models import write_folder

import keras_fpt
from keras_fpt import trunks
from keras_fpt.trunks.gguf_architectures import open_gguf

pytest.importorskip("gguf")
FPT = keras_fpt.FrozenPretrainedTransformer
# Of Llama 3.2; in a head of 8 one frequency lies between.
LLAMA3 = {**LLAMA, "rope_theta": 500_000.0}
ROPE = {
    "rope_type": "llama3",
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def open_trunk(preset):
    with nothing_drawn():
        return trunks.from_preset(preset, dropout=0.0)


def divisors():
    options = {k: v for k, v in ROPE.items() if k != "rope_type"}
    return {"rope_freqs.weight": rope_freqs(LLAMA3, *options.values())}


@pytest.mark.parametrize("kind", each("llama", "gpt2", "bert"))
def test_equals_the_folder_of_the_same_weights(kind, tmp_path):
    config, tensors = CONFIGS[kind], random_tensors(CONFIGS[kind])
    expected = open_trunk(write_folder(tmp_path / "folder", config, tensors))
    file = write_gguf(tmp_path / "model.gguf", config, tensors)
    trunk = open_trunk(file)
    assert type(trunk) is type(expected)
    assert trunk.config == expected.config
    assert trunk.preset == file
    check_equal(trunk.weights, expected.weights)


def outputs_of_transformers(path, x):
    """What transformers reads from a file, without accelerate."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    config = load_gguf_checkpoint(path)["config"]
    config = transformers.AutoConfig.for_model(**config)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    read = load_gguf_checkpoint(path, return_tensors=True, model_to_load=model)
    missing, unexpected = model.load_state_dict(read["tensors"], strict=False)
    assert missing in ([], ["lm_head.weight"]) and not unexpected
    with torch.no_grad():
        output = model.base_model(inputs_embeds=torch.tensor(x))
    return output.last_hidden_state.numpy()


def assert_close(trunk, expected, x):
    computed = keras.ops.convert_to_numpy(trunk(x))
    error = np.abs(computed - expected).max() / np.abs(expected).max()

    assert error < 1e-4


@once
@pytest.mark.parametrize(
    "config",
    # transformers reads neither n_inner nor n_positions of GPT-2.
    [LLAMA, {**GPT2, "n_embd": 64, "n_positions": 1024}],
    ids=["llama", "gpt2"],
)
def test_equals_transformers(config, tmp_path):
    path = tmp_path / "model.gguf"
    types = {
        **{"attn_q.": "Q4_1", "attn_k.": "Q8_0", "attn_qkv.weight": "Q5_1"},
        **{"ffn_up.weight": "F16", "ffn_gate": "BF16"},
        "ffn_down.weight": "TQ1_0",
    }
    write_gguf(path, config, random_tensors(config), types)
    trunk = open_trunk(str(path))
    x = tokens(2, 12, trunk.hidden_dim)
    assert_close(trunk, outputs_of_transformers(str(path), x), x)


@once
def test_options_of_a_trunk_work(tmp_path):
    """A folder with one file, cut, adapted, trained, saved."""
    file = tmp_path / "model.gguf"
    write_gguf(file, LLAMA, random_tensors(LLAMA), {"ffn": "Q4_1"})
    with nothing_drawn():
        model = FPT.from_preset(
            str(tmp_path),
            inputs=(7, 3),
            outputs=2,
            num_layers=1,
            positions="learned",
            num_positions=8,
            quantization="bfloat16",
            lora_rank=2,
            dtype="mixed_bfloat16",
        )
    assert len(model.trunk.blocks) == 1
    assert model.trunk.compute_dtype == "bfloat16"
    dtypes = {str(w.dtype) for w in model.trunk.weights}
    assert dtypes == {"bfloat16", "float32"}
    assert any("lora" in w.path for w in model.trainable_weights)
    x = tokens(4, 7, 3)
    before = keras.ops.convert_to_numpy(model(x))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
    model.train_on_batch(x, np.zeros(4, int))
    assert (keras.ops.convert_to_numpy(model(x)) != before).any()
    check_survives(model, tmp_path / "model.keras", x)


@once
def test_without_weights_the_shape_alone_is_read(tmp_path):
    file = tmp_path / "model.gguf"
    tensors = random_tensors(LLAMA)
    write_gguf(file, LLAMA, tensors)
    model = FPT.from_preset(
        str(file), inputs=(7, 3), outputs=2, initialization="random", seed=0
    )
    kernel = tensors["model.layers.0.mlp.up_proj.weight"].T
    dense = model.trunk.blocks[0]._feedforward_intermediate_dense.kernel
    values = keras.ops.convert_to_numpy(dense)
    assert values.shape == kernel.shape and (values != kernel).all()
    assert trunks.hidden_dim_of(str(file)) == LLAMA["hidden_size"]


@once
class TestRotaryPositions:
    def test_those_of_llama_3_equal_the_folder(self, tmp_path):
        tensors = random_tensors(LLAMA3)
        config = {**LLAMA3, "rope_scaling": ROPE}
        folder = write_folder(tmp_path / "folder", config, tensors)
        file = write_gguf(
            tmp_path / "model.gguf", LLAMA3, tensors, extra=divisors()
        )
        assert len(set(divisors()["rope_freqs.weight"])) == 3
        assert open_trunk(file).config == open_trunk(folder).config
        assert open_trunk(file).config["rope_frequency_adjustment_factor"] == 32

    def test_a_file_that_names_no_base_has_that_of_llama(self, tmp_path):
        path = tmp_path / "model.gguf"
        keys = {"llama.rope.freq_base": None}
        write_gguf(path, LLAMA, random_tensors(LLAMA), keys=keys)
        assert open_gguf(path).config["rope_theta"] == 10_000

    def test_a_file_that_names_no_heads_of_keys_has_as_many(self, tmp_path):
        path = tmp_path / "model.gguf"
        config = {**LLAMA, "num_key_value_heads": 4}
        keys = {"llama.attention.head_count_kv": None}
        write_gguf(path, config, random_tensors(config), keys=keys)
        assert open_gguf(path).config["num_key_value_heads"] == 4


@once
def test_smollm2_equals_transformers():
    """The real model: `keras_fpt.presets.fetch("smollm2_135m")` gets it."""
    path = os.environ.get("KERAS_FPT_SMOLLM2")
    if not path:
        pytest.skip("needs KERAS_FPT_SMOLLM2, the path of SmolLM2's .gguf")
    trunk = open_trunk(path)
    assert len(trunk.blocks) == 30
    assert trunk.count_params() == 106_203_456
    x = 0.136 * tokens(2, 12, 576)
    expected = outputs_of_transformers(path, x)
    assert_close(trunk, expected, x)
