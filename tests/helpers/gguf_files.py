"""Tiny GGUF files, as llama.cpp's convert_hf_to_gguf.py writes them.

The package gguf says what a tensor is called.
"""

import functools
import math

import numpy as np
import pytest


def keys_of(config):
    """The keys of a GGUF file, without the architecture before them."""
    if config["model_type"] == "llama":
        heads = config["num_attention_heads"]
        return {
            "block_count": config["num_hidden_layers"],
            "embedding_length": config["hidden_size"],
            "feed_forward_length": config["intermediate_size"],
            "context_length": config["max_position_embeddings"],
            "vocab_size": config["vocab_size"],
            "attention.head_count": heads,
            "attention.head_count_kv": config["num_key_value_heads"],
            "attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
            "rope.freq_base": config["rope_theta"],
            "rope.dimension_count": config["hidden_size"] // heads,
        }
    if config["model_type"] == "gpt2":
        return {
            "block_count": config["n_layer"],
            "embedding_length": config["n_embd"],
            "feed_forward_length": config["n_inner"],
            "context_length": config["n_positions"],
            "attention.head_count": config["n_head"],
            "attention.layer_norm_epsilon": config["layer_norm_epsilon"],
        }
    return {
        "block_count": config["num_hidden_layers"],
        "embedding_length": config["hidden_size"],
        "feed_forward_length": config["intermediate_size"],
        "context_length": config["max_position_embeddings"],
        "attention.head_count": config["num_attention_heads"],
        "attention.layer_norm_epsilon": config["layer_norm_eps"],
        "attention.causal": False,
        "pooling_type": 2,
    }


def write_gguf(path, config, tensors, types=None, keys=None, extra=None):
    """A GGUF file.

    Args:
        path: path.
        config: dict. As in `config.json`.
        tensors: dict. Under Hugging Face's names.
        types: dict from names of GGUF, or parts of them, to names of
            quantizations. The others are stored in float32.
        keys: dict. Keys that differ, or `None` for those left out.
        extra: dict. More or other tensors, under GGUF's names; bytes are
            stored as they are.
    """
    gguf = pytest.importorskip("gguf")
    architecture = config["model_type"]
    writer = gguf.GGUFWriter(path, architecture)
    own = {f"{architecture}.{k}": v for k, v in keys_of(config).items()}
    for name, value in {**own, **(keys or {})}.items():
        if isinstance(value, bool):
            writer.add_bool(name, value)
        elif isinstance(value, int):
            writer.add_uint32(name, value)
        elif isinstance(value, float):
            writer.add_float32(name, value)
        elif isinstance(value, str):
            writer.add_string(name, value)
        elif value is not None:
            writer.add_array(name, value)
    # The part of a file that takes longest to read.
    vocabulary = [f"piece {i}" for i in range(config["vocab_size"])]
    writer.add_array("tokenizer.ggml.tokens", vocabulary)
    names = names_of(architecture)
    stored = {
        names.get_name(name, (".weight", ".bias")): to_gguf(
            config, name, tensor
        )
        for name, tensor in tensors.items()
        if "pooler" not in name  # convert_hf_to_gguf.py leaves it out
    }
    for name, tensor in {**stored, **(extra or {})}.items():
        chosen = [t for part, t in (types or {}).items() if part in name]
        kind = gguf.GGMLQuantizationType[chosen[0] if chosen else "F32"]
        if tensor.dtype != np.uint8:
            tensor = gguf.quantize(np.ascontiguousarray(tensor), kind)
        writer.add_tensor(name, tensor, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


@functools.cache
def names_of(architecture):
    import gguf

    architectures = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}
    return gguf.get_tensor_name_map(architectures[architecture], 2)


def to_gguf(config, name, tensor):
    """A tensor as convert_hf_to_gguf.py stores it."""
    if "q_proj" in name:
        return permute(tensor, config["num_attention_heads"])
    if "k_proj" in name:
        return permute(tensor, config["num_key_value_heads"])
    if config["model_type"] == "gpt2" and name.endswith(
        ("c_attn.weight", "c_proj.weight", "c_fc.weight")
    ):
        return tensor.T
    return tensor


def permute(tensor, heads):
    shape = heads, 2, len(tensor) // heads // 2, *tensor.shape[1:]
    return tensor.reshape(shape).swapaxes(1, 2).reshape(tensor.shape)


def rope_freqs(config, factor, low, high, length):
    """What convert_hf_to_gguf.py writes for the positions of Llama 3.1."""
    dim = config["hidden_size"] // config["num_attention_heads"]
    factors = []
    for i in range(0, dim, 2):
        wavelength = 2 * math.pi * config["rope_theta"] ** (i / dim)
        if wavelength < length / high:
            factors.append(1)
        elif wavelength > length / low:
            factors.append(factor)
        else:
            smooth = (length / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, "float32")
