"""Computes attention maps of a model's trunk."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_fpt.frozen_model import FrozenModel


def attention_maps(model: FrozenModel, x: Any, layer: int = 0) -> np.ndarray:
    """Computes the attention of one block, after softmax, without dropout.

    Args:
        model: a `FrozenPretrainedTransformer`, around any trunk.
        x: array, or dict of `"tokens"` and `"padding_mask"`. One batch of the
            model's inputs.
        layer: int. The block, counted from 0; negative from the last.
            Defaults to `0`, the block that the paper looks at (section 3.5).

    Returns:
        Array of shape `(batch, heads, num_tokens, num_tokens)`. Entry
        `[..., i, j]` is how much token `i` attends to token `j`; the entries
        of a row sum to one.

    Raises:
        ValueError: if the trunk has no such block or `x` does not fit.

    Example:

    ```python
    task = keras_fpt.tasks.get("bit_xor")
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        "gpt2_tiny_en", task=task
    )
    x, _ = task.test_data(batch_size=64)[0]
    maps = keras_fpt.attention_maps(model, x)  # (64, 4, 10, 10)
    maps.mean(axis=(0, 1))  # over sequences and heads
    ```
    """
    if not hasattr(model.trunk, "attention_scores"):
        raise ValueError(
            "Expected a model whose blocks attend. Received: a model of "
            f"{model.trunk.describe()}"
        )
    num_blocks = len(model.trunk.blocks)
    if not -num_blocks <= layer < num_blocks:
        raise ValueError(
            f"The trunk has blocks 0..{num_blocks - 1}. Received: layer={layer}"
        )
    model.check_tokens(x)
    embed = keras.Model(model.input, model.embedded_tokens)
    mask = x.get("padding_mask") if isinstance(x, dict) else None
    scores = model.trunk.attention_scores(
        embed(x, training=False), layer % num_blocks, mask
    )
    return keras.ops.convert_to_numpy(scores)
