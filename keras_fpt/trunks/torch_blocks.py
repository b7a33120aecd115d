"""A causal block of keras-nlp, computed by PyTorch without detours.

The same values with fewer passes over memory, and fewer lines of Python:
norms in one kernel whatever the precision, biases added in place, scale and
mask within the product of queries and keys, fused attention where it pays.
"""

from __future__ import annotations

from typing import Any

from keras_fpt.layers.dropout import drop

# On a CPU, PyTorch's fused attention is faster from here on, and without
# dropout alone; below, products and a softmax are.
FUSED_FROM = 512


def computes(block: Any) -> bool:
    """Whether the kernels of a block are plain: not in 8 or 4 bits."""
    return block._feedforward_output_dense.quantization_mode is None


def run_block(
    block: Any, x: Any, seen: Any, training: Any, last: int | None
) -> Any:
    """As `DecoderBlocks.run_last_block`, of a block that `computes`."""
    layer = block._self_attention_layer
    normed = queries = _norm(block._self_attention_layer_norm, x)
    if last is not None:
        x, queries = x[:, -last:], normed[:, -last:]
        seen = seen[..., -last:, :]
    query, key, value = (
        _heads(_dense(dense, tokens), layer)
        for dense, tokens in (
            (layer._query_dense, queries),
            (layer._key_dense, normed),
            (layer._value_dense, normed),
        )
    )  # (batch, heads, tokens, head_dim)
    mixed = _attention(layer, query, key, value, seen, training)
    mixed = mixed.transpose(1, 2).flatten(2)  # (batch, queries, hidden_dim)
    attended = _dense(layer._output_dense, mixed)
    x = x + drop(block._self_attention_dropout, attended, training)
    hidden = _norm(block._feedforward_layer_norm, x)
    hidden = _dense(block._feedforward_intermediate_dense, hidden)
    hidden = block._feedforward_intermediate_dense.activation(hidden)
    hidden = _dense(block._feedforward_output_dense, hidden)
    return x + drop(block._feedforward_dropout, hidden, training)


def _norm(layer: Any, x: Any) -> Any:
    from torch.nn import functional

    return functional.layer_norm(
        x, x.shape[-1:], layer.gamma.value, layer.beta.value, layer.epsilon
    )


def _dense(layer: Any, x: Any) -> Any:
    """A `Dense` or `EinsumDense`, save its activation, on the last axis."""
    from keras.ops import convert_to_tensor

    kernel = convert_to_tensor(layer.kernel)  # with LoRA, not a variable
    rows = x.reshape(-1, x.shape[-1])
    out = rows @ kernel.reshape(x.shape[-1], -1)
    out += layer.bias.value.reshape(-1)
    return out.reshape(*x.shape[:-1], out.shape[-1])


def _heads(x: Any, layer: Any) -> Any:
    return x.unflatten(-1, (layer._num_heads, -1)).transpose(1, 2)


def _attention(
    layer: Any, query: Any, key: Any, value: Any, seen: Any, training: Any
) -> Any:
    import torch
    from torch.nn import functional

    rate = layer._dropout_layer.rate if training else 0.0
    scale = layer._inverse_sqrt_key_dim
    padded = seen.ndim > 2
    if not padded and _fused_pays(query, key, rate):
        whole = query.shape[2] == key.shape[2]
        return functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if whole else seen,
            dropout_p=rate,
            is_causal=whole,
            scale=scale,
        )
    mask = (seen.to(query.dtype) - 1) * _far(query.dtype)
    if padded:
        scores = (query @ key.mT) * scale + mask
    else:
        scores = torch.baddbmm(
            mask, query.flatten(0, 1), key.flatten(0, 1).mT, alpha=scale
        ).unflatten(0, query.shape[:2])
    scores = scores.softmax(-1)  # (batch, heads, queries, tokens)
    if padded:  # a token that sees none gets zeros
        scores = scores * seen
    return drop(layer._dropout_layer, scores, training) @ value


def _fused_pays(query: Any, key: Any, rate: float) -> bool:
    if query.device.type != "cpu":
        return True
    return rate == 0 and key.shape[2] >= FUSED_FROM


def _far(dtype: Any) -> float:
    import torch

    return 3e4 if dtype == torch.float16 else 1e9  # as Keras has it
