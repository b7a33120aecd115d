"""Runs keras-nlp's `TransformerDecoder` and `TransformerEncoder` blocks."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_fpt.layers.dropout import drop
from keras_fpt.trunks import torch_blocks

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

    They compute what keras-nlp's layer does, with its own sublayers; but the
    mask is made once for all of them, dropout is cheaper, and the last block
    computes the tokens that are read alone.
    """

    def block_context(self, x: Any, padding_mask: Any) -> Any:
        """The attention mask, of shape `(num_tokens, num_tokens)`.

        With a padding mask: `(batch, 1, num_tokens, num_tokens)`.
        """
        positions = ops.arange(ops.shape(x)[1])
        causal = positions[:, None] >= positions[None, :]
        if padding_mask is None:
            return causal
        return causal & ops.cast(padding_mask, "bool")[:, None, None, :]

    def run_block(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        return self.run_last_block(block, x, context, training, None)

    def run_last_block(
        self, block: Any, x: Any, context: Any, training: Any, last: int | None
    ) -> Any:
        if keras.backend.backend() == "torch" and torch_blocks.computes(block):
            return torch_blocks.run_block(block, x, context, training, last)
        normed = block._self_attention_layer_norm(x)
        if last is None:
            queries = normed
        else:
            x, queries = x[:, -last:], normed[:, -last:]
            context = context[..., -last:, :]
        layer = block._self_attention_layer
        scores = _attend(layer, queries, normed, context)
        attended = layer._output_dense(
            ops.einsum(
                layer._combine_equation,
                drop(layer._dropout_layer, scores, training),
                layer._value_dense(normed),
            )
        )
        x = x + drop(block._self_attention_dropout, attended, training)
        hidden = block._feedforward_layer_norm(x)
        hidden = block._feedforward_intermediate_dense(hidden)
        hidden = block._feedforward_output_dense(hidden)
        return x + drop(block._feedforward_dropout, hidden, training)

    def block_attention(self, block: Any, x: Any, context: Any) -> Any:
        normed = block._self_attention_layer_norm(x)
        return _attend(block._self_attention_layer, normed, normed, context)


def _attend(layer: Any, queries: Any, tokens: Any, seen: Any) -> Any:
    """How much each query looks at each token that it may see.

    Returns:
        Tensor of shape `(batch, heads, queries, tokens)`.
    """
    query = layer._query_dense(queries)
    query = query * ops.cast(layer._inverse_sqrt_key_dim, query.dtype)
    key = layer._key_dense(tokens)
    scores = ops.einsum(layer._dot_product_equation, key, query)
    seen = ops.cast(seen, scores.dtype)
    # As Keras: float16 ends at 65,504.
    far = 3e4 if layer.compute_dtype == "float16" else 1e9
    scores = ops.softmax(scores + (seen - 1) * far)
    # A padded token may see none at all: such a row is zero.
    return scores if len(seen.shape) == 2 else scores * seen


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
