"""Tiny models under Hugging Face's names, without transformers."""

import json

import numpy as np
import pytest

# Rows of 256: some quantizations pack as many numbers.
WIDE = 256
NUM_POSITIONS = 12
LLAMA = {
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": WIDE,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rms_norm_eps": 0.25,
    "rope_theta": 500.0,
    "tie_word_embeddings": True,
    "vocab_size": 11,
}
GPT2 = {
    "model_type": "gpt2",
    "n_embd": 32,
    "n_inner": WIDE,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": NUM_POSITIONS,
    "layer_norm_epsilon": 0.25,
    "activation_function": "gelu_new",
    "resid_pdrop": 0.0,
    "vocab_size": 11,
}
BERT = {
    "model_type": "bert",
    "hidden_size": 32,
    "intermediate_size": WIDE,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": NUM_POSITIONS,
    "layer_norm_eps": 0.25,
    "hidden_act": "gelu",
    "type_vocab_size": 2,
    "vocab_size": 11,
}
CONFIGS = {"llama": LLAMA, "gpt2": GPT2, "bert": BERT}


def random_tensors(config):
    """Random tensors under Hugging Face's names."""
    rng = np.random.default_rng(0)
    tensors = {}

    def add(name, *shape, bias=True):
        tensors[f"{name}.weight"] = 0.3 * rng.standard_normal(shape)
        if bias:
            tensors[f"{name}.bias"] = 0.3 * rng.standard_normal(shape[:1])

    kind, vocabulary = config["model_type"], config["vocab_size"]
    width = config.get("hidden_size") or config["n_embd"]
    wide = config.get("intermediate_size") or config["n_inner"]
    if kind == "llama":
        head = width // config["num_attention_heads"]
        keys = head * config["num_key_value_heads"]
        add("model.embed_tokens", vocabulary, width, bias=False)
        for i in range(config["num_hidden_layers"]):
            for name, *shape in (
                ("input_layernorm", width),
                ("self_attn.q_proj", width, width),
                ("self_attn.k_proj", keys, width),
                ("self_attn.v_proj", keys, width),
                ("self_attn.o_proj", width, width),
                ("post_attention_layernorm", width),
                ("mlp.gate_proj", wide, width),
                ("mlp.up_proj", wide, width),
                ("mlp.down_proj", width, wide),
            ):
                add(f"model.layers.{i}.{name}", *shape, bias=False)
        add("model.norm", width, bias=False)
    elif kind == "gpt2":
        add("wte", vocabulary, width, bias=False)
        add("wpe", config["n_positions"], width, bias=False)
        for i in range(config["n_layer"]):
            add(f"h.{i}.ln_1", width)
            add(f"h.{i}.ln_2", width)
            for name, inputs, outputs in (
                ("attn.c_attn", width, 3 * width),
                ("attn.c_proj", width, width),
                ("mlp.c_fc", width, wide),
                ("mlp.c_proj", wide, width),
            ):
                # Kernels of Hugging Face's GPT-2: (inputs, outputs).
                add(f"h.{i}.{name}", inputs, outputs, bias=False)
                bias = 0.3 * rng.standard_normal(outputs)
                tensors[f"h.{i}.{name}.bias"] = bias
        add("ln_f", width)
    else:
        rows = config["max_position_embeddings"], config["type_vocab_size"]
        add("embeddings.word_embeddings", vocabulary, width, bias=False)
        add("embeddings.position_embeddings", rows[0], width, bias=False)
        add("embeddings.token_type_embeddings", rows[1], width, bias=False)
        add("embeddings.LayerNorm", width)
        for i in range(config["num_hidden_layers"]):
            for name, *shape in (
                ("attention.self.query", width, width),
                ("attention.self.key", width, width),
                ("attention.self.value", width, width),
                ("attention.output.dense", width, width),
                ("attention.output.LayerNorm", width),
                ("intermediate.dense", wide, width),
                ("output.dense", width, wide),
                ("output.LayerNorm", width),
            ):
                add(f"encoder.layer.{i}.{name}", *shape)
        add("pooler.dense", width, width)
    return {name: x.astype("float32") for name, x in tensors.items()}


def write_folder(folder, config, tensors):
    """A Hugging Face folder."""
    safetensors = pytest.importorskip("safetensors.numpy")
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    safetensors.save_file(tensors, folder / "model.safetensors")
    return str(folder)
