"""Replaces padded tokens by zeros."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_fpt")
class ZeroPadding(keras.layers.Layer):
    """Replaces tokens by zeros where the padding mask is 0.

    Attention to such tokens has a weight of 0, and 0 times NaN is NaN: what
    stands at padded places must not enter the computation at all.

    Call arguments:
        tokens: Tensor of shape `(batch, num_tokens)` or
            `(batch, num_tokens, token_dim)`.
        padding_mask: Tensor of shape `(batch, num_tokens)`. Nonzero where a
            token is real.

    Example:

    ```python
    layer = keras_fpt.layers.ZeroPadding()
    layer(np.array([[1.0, np.nan]]), np.array([[True, False]]))  # [[1, 0]]
    ```
    """

    def __init__(self, **kwargs: Any) -> None:
        # In float16, 1e30 is infinite and 2049 is 2048: it changes nothing.
        super().__init__(**{"autocast": False, **kwargs})

    def call(self, tokens: Any, padding_mask: Any) -> Any:
        real = ops.cast(padding_mask, "bool")
        if len(tokens.shape) == 3:
            real = real[:, :, None]  # (batch, num_tokens, 1)
        return ops.where(real, tokens, ops.zeros_like(tokens))

    def compute_output_spec(self, tokens: Any, padding_mask: Any) -> Any:
        return keras.KerasTensor(tokens.shape, tokens.dtype)
