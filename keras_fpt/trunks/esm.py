"""ESM-2, a language model of proteins: bidirectional, rotary positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_fpt.trunks.blocks import to_all_queries
from keras_fpt.trunks.hugging_face import expect
from keras_fpt.trunks.trunk import Trunk


@keras.saving.register_keras_serializable(package="keras_fpt")
class ESMTrunk(Trunk):
    """The trunk in a `keras_nlp.models.ESMBackbone` with rotary positions.

    The natural trunk for proteins: it was pretrained on them. Rotary
    positions have no values; `positions="learned"` adds a table.

    Reference:
        [Lin et al., 2023](https://doi.org/10.1126/science.ade2574)
    """

    backbone_name = "ESMBackbone"
    model_type = "esm"
    owns_positions = False
    # Its biases would, but its first norm multiplies the gradient before them.
    lifts_zeros = False
    groups = {
        "positions": (r"position_embedding/embeddings",),
        "layernorm": (
            r"transformer_layer_{block}/(attention|ffn)_norm/\w+",
            r"(emb|output)_layer_norm/\w+",
        ),
        "attention": (r"transformer_layer_{block}/attention_layer/.+",),
        "feed_forward": (
            r"transformer_layer_{block}/feedforward_\w+_dense/\w+",
        ),
    }
    # keras-nlp draws from N(0, 0.02), cut at two deviations.
    initial_values = (
        (r".+/gamma", 0.0, 1.0),
        (r".+/(beta|bias)", 0.0, 0.0),
        (r"position_embedding/embeddings", 0.0, 0.0),
        (r".+/kernel", 0.02, 0.0),
    )

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        expect(config, is_decoder=False)
        # Names of keras-nlp's own, which Hugging Face's ESM does not look at.
        return {
            "activation": "gelu",
            "max_wavelength": config.get("rope_theta", 10_000),
        }

    def take_layers(self, backbone: Any) -> list[Any]:
        kind = self.config["position_embedding_type"]
        if kind != "rotary":
            raise ValueError(
                "Expected an ESMBackbone with rotary positions, as every ESM-2 "
                f"has. Received: position_embedding_type={kind!r}"
            )
        self.final_norm = backbone.output_layer_norm
        self.embeddings_norm = None
        if self.config["use_pre_layer_norm"]:
            self.embeddings_norm = backbone.emb_layer_norm
        self.position_embedding = self._learned_positions()
        return backbone.transformer_layers

    def embed_positions(self, tokens: Any) -> Any:
        x = super().embed_positions(tokens)
        return x if self.embeddings_norm is None else self.embeddings_norm(x)

    def block_context(self, x: Any, padding_mask: Any) -> Any:
        return to_all_queries(padding_mask)

    def run_block(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        # The attention's own call hides queries instead of keys on JAX and
        # TensorFlow, and does not go without a mask.
        def dropped(x: Any) -> Any:
            return block.dropout_layer(x, training=training)

        layer = block.attention_layer
        query, key, value = self._heads(layer, block.attention_norm(dropped(x)))
        attended = ops.dot_product_attention(
            query,
            key,
            value,
            mask=None if context is None else context[:, None],
        )  # (batch, num_tokens, heads, head_dim)
        x = x + layer.o_dense(ops.reshape(attended, ops.shape(x)))
        hidden = block.feedforward_norm(dropped(x))
        hidden = block.feedforward_intermediate_dense(hidden)
        return x + dropped(block.feedforward_output_dense(hidden))

    def block_attention(self, block: Any, x: Any, context: Any) -> Any:
        layer = block.attention_layer
        query, key, _ = self._heads(layer, block.attention_norm(x))
        scores = ops.einsum("bqhd,bkhd->bhqk", query, key)
        scores = scores / ops.sqrt(ops.cast(layer.head_size, scores.dtype))
        if context is not None:
            scores = ops.where(context[:, None], scores, -1e9)
        return ops.softmax(scores, axis=-1)

    def _heads(self, layer: Any, x: Any) -> tuple[Any, Any, Any]:
        """Queries and keys, rotated, and values."""
        batch, num_tokens = ops.shape(x)[:2]
        shape = (batch, num_tokens, layer.heads, layer.head_size)
        query = ops.reshape(layer.q_dense(x), shape)
        key = ops.reshape(layer.k_dense(x), shape)
        value = ops.reshape(layer.v_dense(x), shape)
        query, key = layer.rotary_embedding_layer(query, key)
        return query, key, value
