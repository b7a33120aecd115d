"""Translates llama, gpt2 and bert of GGUF into Hugging Face's models."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fpt.trunks.gguf_file import GGUFFile
from keras_fpt.trunks.gguf_model import ANY
from keras_fpt.trunks.gguf_model import GGUFModel
from keras_fpt.trunks.gguf_rope import rope_scaling

_ROPE_DIVISORS = "rope_freqs.weight"


class LlamaGGUF(GGUFModel):
    """Llama 1 to 3.3, SmolLM, TinyLlama and others of that form."""

    architecture = model_type = "llama"
    keys = {
        "num_hidden_layers": "block_count",
        "hidden_size": "embedding_length",
        "intermediate_size": "feed_forward_length",
        "num_attention_heads": "attention.head_count",
        "max_position_embeddings": "context_length",
        "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    }
    tensors = {
        "token_embd": "model.embed_tokens",
        "blk.{}.attn_norm": "model.layers.{}.input_layernorm",
        "blk.{}.attn_q": "model.layers.{}.self_attn.q_proj",
        "blk.{}.attn_k": "model.layers.{}.self_attn.k_proj",
        "blk.{}.attn_v": "model.layers.{}.self_attn.v_proj",
        "blk.{}.attn_output": "model.layers.{}.self_attn.o_proj",
        "blk.{}.ffn_norm": "model.layers.{}.post_attention_layernorm",
        "blk.{}.ffn_gate": "model.layers.{}.mlp.gate_proj",
        "blk.{}.ffn_up": "model.layers.{}.mlp.up_proj",
        "blk.{}.ffn_down": "model.layers.{}.mlp.down_proj",
        "output_norm": "model.norm",
    }
    parts = (".weight",)
    unused = ("output.weight", _ROPE_DIVISORS)

    def more_config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        heads = config["num_attention_heads"]
        # The format's defaults, of files that leave these keys out.
        theta = self.number("rope.freq_base", 10000.0)
        more = {
            "num_key_value_heads": self.number(
                "attention.head_count_kv", heads
            ),
            "rope_theta": theta,
            "vocab_size": self.num_rows("token_embd"),
            # The output layer, which a trunk drops, is not read.
            "tie_word_embeddings": True,
        }
        if _ROPE_DIVISORS in self.file.tensors:
            divisors = self.file.tensor(_ROPE_DIVISORS)
            more["rope_scaling"] = rope_scaling(
                divisors, theta, str(self.file.path)
            )
        return more

    def known_keys(self) -> dict[str, tuple[Any, ...]]:
        heads = self.config["num_attention_heads"]
        head_dim = (self.config["hidden_size"] // heads,)
        return {
            **super().known_keys(),
            "attention.head_count_kv": ANY,
            "attention.key_length": head_dim,
            "attention.value_length": head_dim,
            "attention.causal": (True,),
            "rope.freq_base": ANY,
            "rope.dimension_count": head_dim,
            "rope.scaling.type": ("none",),
            "expert_count": (0,),
            "expert_used_count": (0,),
            # The order of rows in the file that was converted.
            "tensor_data_layout": ANY,
            "pooling_type": ANY,
        }

    def convert(self, name: str, tensor: np.ndarray) -> np.ndarray:
        if name.endswith("q_proj.weight"):
            return _unpermute(tensor, self.config["num_attention_heads"])
        if name.endswith("k_proj.weight"):
            return _unpermute(tensor, self.config["num_key_value_heads"])
        return tensor


class GPT2GGUF(GGUFModel):
    """GPT-2, of any size."""

    architecture = model_type = "gpt2"
    keys = {
        "n_layer": "block_count",
        "n_embd": "embedding_length",
        "n_inner": "feed_forward_length",
        "n_head": "attention.head_count",
        "n_positions": "context_length",
        "layer_norm_epsilon": "attention.layer_norm_epsilon",
    }
    tensors = {
        "token_embd": "wte",
        "position_embd": "wpe",
        "blk.{}.attn_norm": "h.{}.ln_1",
        "blk.{}.attn_qkv": "h.{}.attn.c_attn",
        "blk.{}.attn_output": "h.{}.attn.c_proj",
        "blk.{}.ffn_norm": "h.{}.ln_2",
        "blk.{}.ffn_up": "h.{}.mlp.c_fc",
        "blk.{}.ffn_down": "h.{}.mlp.c_proj",
        "output_norm": "ln_f",
    }

    def more_config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "vocab_size": self.num_rows("token_embd"),
            # The one that llama.cpp computes for this architecture.
            "activation_function": "gelu_new",
            # keras-nlp asks for it; the model's own dropout precedes.
            "resid_pdrop": 0.0,
        }

    def known_keys(self) -> dict[str, tuple[Any, ...]]:
        return {
            **super().known_keys(),
            "attention.head_count_kv": (self.config["n_head"],),
            "attention.causal": (True,),
        }

    def convert(self, name: str, tensor: np.ndarray) -> np.ndarray:
        # Hugging Face's GPT-2 stores kernels as (inputs, outputs).
        kernel = name.endswith((".c_attn.weight", ".c_proj.weight"))
        return tensor.T if kernel or name.endswith(".c_fc.weight") else tensor


class BertGGUF(GGUFModel):
    """BERT and what GGUF stores as one: RoBERTa, XLM-RoBERTa, MiniLM."""

    architecture = model_type = "bert"
    keys = {
        "num_hidden_layers": "block_count",
        "hidden_size": "embedding_length",
        "intermediate_size": "feed_forward_length",
        "num_attention_heads": "attention.head_count",
        "max_position_embeddings": "context_length",
        "layer_norm_eps": "attention.layer_norm_epsilon",
    }
    tensors = {
        "token_embd": "embeddings.word_embeddings",
        "position_embd": "embeddings.position_embeddings",
        "token_types": "embeddings.token_type_embeddings",
        "token_embd_norm": "embeddings.LayerNorm",
        "blk.{}.attn_q": "encoder.layer.{}.attention.self.query",
        "blk.{}.attn_k": "encoder.layer.{}.attention.self.key",
        "blk.{}.attn_v": "encoder.layer.{}.attention.self.value",
        "blk.{}.attn_output": "encoder.layer.{}.attention.output.dense",
        "blk.{}.attn_output_norm": (
            "encoder.layer.{}.attention.output.LayerNorm"
        ),
        "blk.{}.ffn_up": "encoder.layer.{}.intermediate.dense",
        "blk.{}.ffn_down": "encoder.layer.{}.output.dense",
        "blk.{}.layer_output_norm": "encoder.layer.{}.output.LayerNorm",
    }
    # Heads of classifiers.
    unused = ("cls.weight", "cls.bias", "cls.output.weight", "cls.output.bias")

    def more_config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "vocab_size": self.num_rows("token_embd"),
            "type_vocab_size": self.num_rows("token_types"),
            "hidden_act": "gelu",
        }

    def known_keys(self) -> dict[str, tuple[Any, ...]]:
        return {
            **super().known_keys(),
            "attention.head_count_kv": (self.config["num_attention_heads"],),
            "attention.causal": (False,),
            "pooling_type": ANY,
            "classifier.output_labels": ANY,
        }

    def get_tensor(self, name: str) -> np.ndarray:
        # GGUF leaves the pooler out, and so does a trunk.
        width = self.config["hidden_size"]
        if name == "pooler.dense.weight":
            return np.zeros((width, width), "float32")
        if name == "pooler.dense.bias":
            return np.zeros(width, "float32")
        return super().get_tensor(name)


ARCHITECTURES: tuple[type[GGUFModel], ...] = (LlamaGGUF, GPT2GGUF, BertGGUF)


def open_gguf(path: str | pathlib.Path) -> GGUFModel:
    """Opens a GGUF file as a model under Hugging Face's names.

    Args:
        path: string or path. The file.

    Raises:
        ValueError: if the file cannot be read or its architecture is not
            known.
    """
    file = GGUFFile(path)
    for model in ARCHITECTURES:
        if model.architecture == file.architecture:
            return model(file)
    known = ", ".join(model.architecture for model in ARCHITECTURES)
    raise ValueError(
        f"No trunk opens a GGUF file of architecture {file.architecture!r}: "
        f"expected {known}. Received: {str(path)!r}. Its Hugging Face folder "
        "may open"
    )


def _unpermute(tensor: np.ndarray, num_heads: int) -> np.ndarray:
    """Undoes llama.cpp's order of rows for rotary positions.

    It puts the two numbers that are rotated together beside one another;
    Hugging Face keeps them half a head apart.

    Args:
        tensor: array of shape `(num_heads * head_dim, hidden_dim)`.
        num_heads: int.
    """
    rows, hidden_dim = tensor.shape
    pairs = tensor.reshape(num_heads, -1, 2, hidden_dim)
    return pairs.swapaxes(1, 2).reshape(rows, hidden_dim)
