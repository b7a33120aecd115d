"""GGUF under Hugging Face's names: every type; or a refusal."""

import re

import numpy as np
import pytest
from helpers.gguf_files import write_gguf
from helpers.tiny_models import BERT
from helpers.tiny_models import CONFIGS
from helpers.tiny_models import LLAMA
from helpers.tiny_models import WIDE
from helpers.tiny_models import random_tensors

from keras_fpt import trunks
from keras_fpt.trunks.gguf_architectures import open_gguf

gguf = pytest.importorskip("gguf")
# Hugging Face's name of the kernel whose rows are long enough.
FFN_DOWN = {
    "llama": "model.layers.1.mlp.down_proj.weight",
    "gpt2": "h.1.mlp.c_proj.weight",
    "bert": "encoder.layer.1.output.dense.weight",
}


def is_read(kind):
    _, num_bytes = gguf.GGML_QUANT_SIZES[kind]
    try:
        gguf.dequantize(np.zeros((1, num_bytes), "uint8"), kind)
    except NotImplementedError:
        return False
    return True


FLOATS = ("F32", "F16")
PACKED = [k.name for k in gguf.GGMLQuantizationType if k.name not in FLOATS]
PACKED = [name for name in PACKED if is_read(gguf.GGMLQuantizationType[name])]


def random_blocks(kind, rows, columns):
    """Random bytes that stand for numbers of a usual size, and these.

    Not every type has a quantizer; the scales in random bytes may be anything.
    """
    block_size, num_bytes = gguf.GGML_QUANT_SIZES[kind]
    needed = rows * columns // block_size
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (40 * needed, num_bytes), dtype="uint8")
    with np.errstate(all="ignore"):
        sizes = np.abs(gguf.dequantize(blocks, kind)).max(axis=1)
    blocks = blocks[(1e-6 < sizes) & (sizes < 1e4)][:needed]
    assert len(blocks) == needed
    packed = blocks.reshape(rows, -1)
    return packed, gguf.dequantize(packed, kind)


def test_all_types_are_tested():
    for name in ("BF16", "Q4_0", "Q4_1", "Q8_0", "Q2_K", "Q6_K", "IQ4_XS"):
        assert name in PACKED
    assert len(PACKED) >= 22


@pytest.mark.parametrize("architecture", CONFIGS)
@pytest.mark.parametrize("name", PACKED)
def test_a_tensor_of_each_type_is_read(architecture, name, tmp_path):
    kind = gguf.GGMLQuantizationType[name]
    packed, expected = random_blocks(kind, 32, WIDE)
    config = CONFIGS[architecture]
    path = tmp_path / "model.gguf"
    write_gguf(
        path,
        config,
        random_tensors(config),
        types={"blk.1.ffn_down.weight": name},
        extra={"blk.1.ffn_down.weight": packed},
    )
    tensor = open_gguf(path).get_tensor(FFN_DOWN[architecture])
    if architecture == "gpt2":
        tensor = tensor.T
    np.testing.assert_array_equal(tensor, expected)


@pytest.mark.parametrize("architecture", CONFIGS)
@pytest.mark.parametrize("name", FLOATS)
def test_every_tensor_has_its_value(architecture, name, tmp_path):
    """Permuted and transposed ones too."""
    config = CONFIGS[architecture]
    tensors = random_tensors(config)
    path = tmp_path / "model.gguf"
    write_gguf(path, config, tensors, types={".weight": name})
    model = open_gguf(path)
    for key, tensor in tensors.items():
        value = model.get_tensor(key)
        if "pooler" in key:
            tensor = 0 * tensor
        elif name == "F16" and key.endswith("weight"):
            tensor = tensor.astype("float16").astype("float32")
        np.testing.assert_array_equal(value, tensor, err_msg=key)


class TestRefusals:
    def refusal(self, tmp_path, config=LLAMA, leave_out="nothing", **options):
        path = tmp_path / "model.gguf"
        tensors = {
            name: tensor
            for name, tensor in random_tensors(config).items()
            if leave_out not in name
        }
        write_gguf(path, config, tensors, **options)
        with pytest.raises(ValueError) as caught:
            trunks.from_preset(str(path), dropout=0.0)
        message = str(caught.value)
        assert "\n" not in message and repr(str(path)) in message
        return message

    def test_an_architecture_that_no_trunk_opens(self, tmp_path):
        keys = {"general.architecture": None}
        path = tmp_path / "model.gguf"
        write_gguf(path, LLAMA, random_tensors(LLAMA), keys=keys)
        path.write_bytes(path.read_bytes().replace(b"llama", b"mamba"))
        message = "architecture 'mamba': expected llama, gpt2, bert. Received"
        with pytest.raises(ValueError, match=message):
            trunks.from_preset(str(path), dropout=0.0)

    @pytest.mark.parametrize(
        "key",
        [
            "block_count",
            "embedding_length",
            "feed_forward_length",
            "context_length",
            "attention.head_count",
            "attention.layer_norm_rms_epsilon",
        ],
    )
    def test_a_missing_key(self, key, tmp_path):
        message = self.refusal(tmp_path, keys={f"llama.{key}": None})
        assert f"lacks the key 'llama.{key}'" in message

    def test_a_value_for_each_block(self, tmp_path):
        keys = {"llama.feed_forward_length": [256, 128]}
        message = self.refusal(tmp_path, keys=keys)
        assert "'llama.feed_forward_length' to be a number" in message

    @pytest.mark.parametrize(
        "key, value, expected",
        [
            ("expert_count", 8, "llama.expert_count to be 0"),
            ("attention.causal", False, "llama.attention.causal to be True"),
            (
                "rope.scaling.type",
                "yarn",
                "llama.rope.scaling.type to be 'none'",
            ),
            ("rope.dimension_count", 4, "llama.rope.dimension_count to be 8"),
            ("attention.key_length", 16, "llama.attention.key_length to be 8"),
            ("attention.sliding_window", 4, "no key llama.attention.sliding"),
        ],
    )
    def test_what_no_trunk_computes(self, key, value, expected, tmp_path):
        message = self.refusal(tmp_path, keys={f"llama.{key}": value})
        assert f"expected {expected}" in message
        assert f"Received: llama.{key}={value!r}" in message

    def test_a_causal_bert(self, tmp_path):
        keys = {"bert.attention.causal": True}
        message = self.refusal(tmp_path, BERT, keys=keys)
        assert "bert.attention.causal to be False" in message

    @pytest.mark.parametrize(
        "config, leave_out, expected",
        [
            (LLAMA, "1.mlp.down_proj", "blk.1.ffn_down.weight"),
            (LLAMA, "embed_tokens", "token_embd.weight"),
            (BERT, "self", "blk.0.attn_k.bias, .+weight, .+bias, ..."),
        ],
    )
    def test_a_missing_tensor(self, config, leave_out, expected, tmp_path):
        message = self.refusal(tmp_path, config, leave_out)
        pattern = f"lacks tensors of a .+: expected {expected}"
        assert re.search(pattern, message)

    def test_a_tensor_that_the_trunk_does_not_have(self, tmp_path):
        bias = {"blk.0.attn_q.bias": np.zeros(32, "float32")}
        message = self.refusal(tmp_path, extra=bias)
        assert "does not have: blk.0.attn_q.bias" in message


def test_the_output_layer_is_not_read(tmp_path):
    path = tmp_path / "model.gguf"
    output = {"output.weight": np.zeros((11, 32), "float32")}
    write_gguf(path, LLAMA, random_tensors(LLAMA), extra=output)
    with pytest.raises(KeyError):
        open_gguf(path).get_tensor("lm_head.weight")
