"""The readout: selects the hidden vectors that the head reads."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

READOUTS = ("last", "last_real", "mean", "flatten")
# These give one vector a sequence.
_WHOLE = ("mean", "flatten")


@keras.saving.register_keras_serializable(package="keras_fpt")
class Readout(keras.layers.Layer):
    """Selects the hidden vectors from which the answer is read.

    Args:
        num_tokens: int or `None`. How many tokens are read. `None` reads one
            and drops the token axis.
        readout: string. `"last"` reads the last tokens, padded or not;
            `"last_real"` the last tokens that the padding mask marks as
            real; `"mean"` the mean over all real tokens; `"flatten"` all
            tokens, beside one another in one long vector.

    Call arguments:
        hidden: Tensor of shape `(batch, num_tokens, hidden_dim)`.
        padding_mask: Tensor of shape `(batch, num_tokens)` or `None`.
            Nonzero where a token is real. `"last_real"` expects real tokens
            first, and at least `num_tokens` of them.

    Returns:
        Tensor of shape `(batch, hidden_dim)` if `num_tokens` is `None`, else
        `(batch, num_tokens, hidden_dim)`. For `"flatten"`, of shape
        `(batch, all tokens * hidden_dim)`.

    Example:

    ```python
    readout = keras_fpt.layers.Readout(num_tokens=2)
    readout(np.zeros((8, 10, 32))).shape  # (8, 2, 32)
    ```
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        readout: str = "last",
        **kwargs: Any,
    ) -> None:
        if readout not in READOUTS:
            raise ValueError(
                f"`readout` must be one of {READOUTS}. "
                f"Received: readout={readout!r}"
            )
        if readout in _WHOLE and num_tokens is not None:
            raise ValueError(
                f'readout="{readout}" gives one vector a sequence: pass '
                "`outputs=num_classes`, not a tuple. "
                f"Received: {num_tokens} tokens to read"
            )
        super().__init__(**kwargs)
        self.num_tokens = num_tokens
        self.readout = readout

    def call(self, hidden: Any, padding_mask: Any = None) -> Any:
        if self.readout == "mean":
            return self._mean(hidden, padding_mask)  # (batch, hidden_dim)
        if self.readout == "flatten":
            _, num_tokens, hidden_dim = hidden.shape
            return ops.reshape(hidden, (-1, num_tokens * hidden_dim))
        count = self.num_tokens or 1
        if self.readout == "last":
            read = hidden[:, -count:]
        else:
            read = self._last_real(hidden, padding_mask, count)
        return read[:, 0] if self.num_tokens is None else read

    def _mean(self, hidden: Any, padding_mask: Any) -> Any:
        if padding_mask is None:
            return ops.mean(hidden, axis=1)
        real = ops.cast(padding_mask, "bool")
        weight = ops.cast(real, hidden.dtype)[:, :, None]
        total = ops.sum(hidden * weight, axis=1)
        return total / ops.maximum(ops.sum(weight, axis=1), 1)

    def _last_real(self, hidden: Any, padding_mask: Any, count: int) -> Any:
        if padding_mask is None:
            raise ValueError(
                'readout="last_real" needs to know which tokens are real: '
                "build the model with `padding_mask=True`"
            )
        real = ops.cast(padding_mask, "bool")
        length = ops.sum(ops.cast(real, "int32"), axis=1)  # (batch,)
        index = length[:, None] - count + ops.arange(count, dtype="int32")
        index = ops.maximum(index, 0)  # (batch, count)
        # Rows of one long table: PyTorch does not export take_along_axis.
        batch, num_tokens, hidden_dim = ops.shape(hidden)
        first = num_tokens * ops.arange(batch, dtype="int32")
        rows = ops.reshape(hidden, (batch * num_tokens, hidden_dim))
        return ops.take(rows, index + first[:, None], axis=0)

    def compute_output_shape(
        self, hidden_shape: Any, padding_mask_shape: Any = None
    ) -> tuple[Any, ...]:
        batch, num_tokens, hidden_dim = hidden_shape
        if self.readout == "flatten":
            return (batch, num_tokens * hidden_dim)
        if self.num_tokens is None:
            return (batch, hidden_dim)
        return (batch, self.num_tokens, hidden_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_tokens": self.num_tokens,
            "readout": self.readout,
        }
