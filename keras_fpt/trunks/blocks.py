"""How the two kinds of blocks that keras-nlp shares among families compute."""

from __future__ import annotations

from typing import Any

from keras import ops

# Where both kinds keep their norms and their feed-forward layers.
NORMS = (
    r"transformer_layer_{block}/self_attention_layer_norm/\w+",
    r"transformer_layer_{block}/feedforward_layer_norm/\w+",
)
FEED_FORWARD = (
    r"transformer_layer_{block}/feedforward_intermediate_dense/\w+",
    r"transformer_layer_{block}/feedforward_output_dense/\w+",
)


class DecoderBlocks:
    """Blocks that are a `keras_nlp.layers.TransformerDecoder`: causal.

    A token attends to itself and to those before it. For families in which
    the first norm stands before the attention.
    """

    def run_block(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        return block(x, decoder_padding_mask=context, training=training)

    def block_attention(self, block: Any, x: Any, context: Any) -> Any:
        mask = block._compute_self_attention_mask(
            decoder_sequence=x,
            decoder_padding_mask=context,
            decoder_attention_mask=None,
            use_causal_mask=True,
            self_attention_cache=None,
            self_attention_cache_update_index=None,
        )
        x = block._self_attention_layer_norm(x)
        _, scores = block._self_attention_layer(
            query=x, value=x, attention_mask=mask, return_attention_scores=True
        )
        return scores  # (batch, heads, num_tokens, num_tokens)


class EncoderBlocks:
    """Blocks that are a `keras_nlp.layers.TransformerEncoder`.

    A token attends to all tokens, save padding.
    """

    def run_block(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        return block(x, padding_mask=context, training=training)

    def block_attention(self, block: Any, x: Any, context: Any) -> Any:
        _, scores = block(
            x,
            padding_mask=context,
            training=False,
            return_attention_scores=True,
        )
        return scores  # (batch, heads, num_tokens, num_tokens)


def to_all_queries(padding_mask: Any) -> Any:
    """The mask `(batch, 1, num_tokens)` that hides padding from every token."""
    if padding_mask is None:
        return None
    return ops.cast(padding_mask, "bool")[:, None, :]
