"""Llama: causal blocks, rotary positions, RMS norms, gated feed-forward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_fpt.trunks.hugging_face import expect
from keras_fpt.trunks.trunk import Trunk


@keras.saving.register_keras_serializable(package="keras_fpt")
class LlamaTrunk(Trunk):
    """The trunk in a `keras_nlp.models.LlamaBackbone` or `Llama3Backbone`.

    Rotary positions have no values: there are none to train, and sequences
    of any length go in. `positions="learned"` adds a table.

    Reference:
        [Touvron et al., 2023](https://arxiv.org/abs/2302.13971)
    """

    backbone_name = "LlamaBackbone"
    model_type = "llama"
    owns_positions = False
    initial_token_std = 0.01  # keras-nlp's
    groups = {
        "positions": (r"position_embedding/embeddings",),
        "layernorm": (
            r"transformer_layer_{block}/self_attention_layernorm/scale",
            r"transformer_layer_{block}/feedforward_layernorm/scale",
            r"sequence_output_layernorm/scale",
        ),
        "attention": (r"transformer_layer_{block}/self_attention/.+",),
        "feed_forward": (
            r"transformer_layer_{block}/feedforward_\w+_dense/\w+",
        ),
    }
    # keras-nlp draws kernels from N(0, 0.02).
    initial_values = (
        (r".+/scale", 0.0, 1.0),
        (r"position_embedding/embeddings", 0.0, 0.0),
        (r".+/kernel", 0.02, 0.0),
    )

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        head_dim = config["hidden_size"] // config["num_attention_heads"]
        expect(
            config,
            hidden_act=("silu", "swish"),
            attention_bias=False,
            mlp_bias=False,
            head_dim=(None, head_dim),
        )
        return {
            "layer_norm_epsilon": config.get("rms_norm_eps", 1e-6),
            **_rotary_sizes(config),
        }

    def take_layers(self, backbone: Any) -> list[Any]:
        self.final_norm = backbone.layer_norm
        self.position_embedding = self._learned_positions()
        return backbone.transformer_layers

    def run_block(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        return block(x, decoder_padding_mask=context, training=training)

    def block_attention(self, block: Any, x: Any, context: Any) -> Any:
        mask = block._compute_self_attention_mask(
            decoder_sequence=x,
            decoder_padding_mask=context,
            decoder_attention_mask=None,
            self_attention_cache=None,
            self_attention_cache_update_index=None,
        )  # (batch, num_tokens, num_tokens)
        layer = block._self_attention_layer
        x = block._self_attention_layernorm(x)
        query = layer.rotary_embedding_layer(layer._query_dense(x))
        key = layer.rotary_embedding_layer(layer._key_dense(x))
        # Several heads of queries share one of keys.
        key = ops.repeat(key, layer.num_key_value_groups, axis=2)
        scores = ops.einsum("bqhd,bkhd->bhqk", query, key)
        scores = scores * layer._inv_norm_factor
        masked = ops.where(ops.cast(mask, "bool")[:, None], scores, -1e9)
        return ops.softmax(masked, axis=-1)


def _rotary_sizes(config: Mapping[str, Any]) -> dict[str, Any]:
    """What Llama 3.1 does to its rotary positions, under either name.

    keras-nlp reads the older name, `rope_scaling`, alone.
    """
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kinds = ("default", "llama3")
    expect(rope, rope_type=kinds, type=kinds, partial_rotary_factor=1.0)
    if rope.get("rope_type") != "llama3":
        return {}
    return {
        "rope_frequency_adjustment_factor": rope["factor"],
        "rope_low_freq_factor": rope["low_freq_factor"],
        "rope_high_freq_factor": rope["high_freq_factor"],
        "rope_pretraining_sequence_length": rope.get(
            "original_max_position_embeddings"
        )
        or config["max_position_embeddings"],
    }
