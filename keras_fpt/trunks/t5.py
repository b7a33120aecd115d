"""T5's encoder: bidirectional blocks, relative positions, RMS norms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_fpt.trunks.blocks import to_all_queries
from keras_fpt.trunks.hugging_face import expect
from keras_fpt.trunks.trunk import Trunk

_BLOCK = "transformer_encoder_layer_{block}"
# What a masked score is lowered by, in keras-nlp.
_MASKED = -1e9


@keras.saving.register_keras_serializable(package="keras_fpt")
class T5Trunk(Trunk):
    """The encoder in a `keras_nlp.models.T5Backbone`; its decoder is left out.

    Positions are distances, and what a distance is worth belongs to the
    attention. `positions="learned"` adds a table.

    Reference:
        [Raffel et al., 2019](https://arxiv.org/abs/1910.10683)
    """

    backbone_name = "T5Backbone"
    model_type = "t5"
    owns_positions = False
    initial_token_std = 1.0  # T5's scheme
    groups = {
        "positions": (r"position_embedding/embeddings",),
        "layernorm": (
            rf"{_BLOCK}/(self_attention|feed_forward)_layer_norm/weight",
            r"encoder_output_layer_norm/weight",
        ),
        "attention": (rf"{_BLOCK}/self_attention/.+",),
        "feed_forward": (rf"{_BLOCK}/(input|gate|output)_projector/\w+",),
    }

    @property
    def initial_values(self) -> tuple[tuple[str, float, float], ...]:
        """T5's scheme, whose deviations follow from the sizes."""
        head_dim = self.blocks[0].self_attention.key_value_dim
        inner = head_dim * self.config["num_heads"]
        return (
            (r".+/weight", 0.0, 1.0),
            (r"position_embedding/embeddings", 0.0, 0.0),
            (r".+/query_projector/kernel", (inner * head_dim) ** -0.5, 0.0),
            (r".+/self_attention/.+", inner**-0.5, 0.0),
            (
                r".+/output_projector/kernel",
                self.config["intermediate_dim"] ** -0.5,
                0.0,
            ),
            (r".+/kernel", self.hidden_dim**-0.5, 0.0),
        )

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        expect(
            config,
            feed_forward_proj=("relu", "gated-gelu"),
            relative_attention_num_buckets=32,
            relative_attention_max_distance=128,
        )
        return {}

    @classmethod
    def variables_of(cls, backbone: Any) -> dict[str, Any]:
        return _encoder_variables(backbone)

    def take_layers(self, backbone: Any) -> list[Any]:
        for path, variable in _encoder_variables(backbone).items():
            variable._path = path
        self.embeddings_dropout = backbone.encoder_embedding_dropout
        self.final_norm = backbone.encoder_layer_norm
        self.final_dropout = backbone.encoder_dropout
        self.position_embedding = self._learned_positions()
        return backbone.encoder_transformer_layers

    def embed_positions(self, tokens: Any) -> Any:
        return self.embeddings_dropout(super().embed_positions(tokens))

    def block_context(self, x: Any, padding_mask: Any) -> Any:
        """Returns the relative position bias, shared by all blocks.

        The first block owns the worth of distances; all of them use it.
        """
        num_tokens = ops.shape(x)[1]
        attention = self.blocks[0].self_attention
        # Looked up in a copy: see `keras_fpt.layers.Embedding`.
        worths = attention.relative_attention_bias
        with keras.StatelessScope(state_mapping=[(worths, worths.value * 1)]):
            bias = attention.compute_bias(num_tokens, num_tokens)
        # (1, heads, num_tokens, num_tokens)
        mask = to_all_queries(padding_mask)
        if mask is None:
            return bias
        return ops.where(mask[:, None], bias, bias + _MASKED)

    def run_block(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        x, _ = block(x, position_bias=context, training=training)
        return x

    def block_attention(self, block: Any, x: Any, context: Any) -> Any:
        layer = block.self_attention
        x = block.self_attention_layer_norm(x)
        batch, num_tokens = ops.shape(x)[:2]
        heads = (batch, num_tokens, layer.num_heads, layer.key_value_dim)
        query = ops.reshape(layer.query_projector(x), heads)
        key = ops.reshape(layer.key_projector(x), heads)
        scores = ops.einsum("bqhd,bkhd->bhqk", query, key)
        return ops.softmax(scores + ops.cast(context, scores.dtype), axis=-1)

    def final(self, x: Any) -> Any:
        return self.final_dropout(super().final(x))


def _encoder_variables(backbone: Any) -> dict[str, Any]:
    """The encoder's variables by paths that say where they are.

    keras-nlp's own are not unique (the worths of distances of encoder and
    decoder share one) and differ from one object to the next (its norms are
    numbered as they are made).
    """
    variables = {
        "encoder_output_layer_norm/weight": backbone.encoder_layer_norm.weight
    }
    for number, block in enumerate(backbone.encoder_transformer_layers):
        prefix = f"transformer_encoder_layer_{number}"
        named = {
            "self_attention_layer_norm": block.self_attention_layer_norm,
            "feed_forward_layer_norm": block.layer_norm,
            "input_projector": block.input_projector,
            "output_projector": block.output_projector,
        }
        if block.use_gated_activation:
            named["gate_projector"] = block.gate_projector
        attention = block.self_attention
        for name in ("query", "key", "value", "output"):
            layer = getattr(attention, f"{name}_projector")
            named[f"self_attention/{name}_projector"] = layer
        for name, layer in named.items():
            for variable in layer.weights:
                last = variable.path.rsplit("/", 1)[-1]
                variables[f"{prefix}/{name}/{last}"] = variable
        if attention.use_relative_attention_bias:
            path = f"{prefix}/self_attention/relative_attention_bias"
            variables[path] = attention.relative_attention_bias
    return variables
