"""The head: one linear layer from a hidden vector to the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

Outputs = int | Sequence[int]


def num_readout_tokens(outputs: Outputs) -> int | None:
    """How many tokens `outputs` reads; `None` for one without token axis.

    Args:
        outputs: int or tuple of ints. `num_classes` reads one token;
            `(k, num_classes)` the last `k`; `(k, values, num_classes)` reads
            `values` answers from each of them.
    """
    sizes = (outputs,) if isinstance(outputs, int) else tuple(outputs)
    whole = all(isinstance(s, int) and s > 0 for s in sizes)
    if not whole or not 1 <= len(sizes) <= 3 or isinstance(outputs, bool):
        raise ValueError(
            "`outputs` is `num_classes`, `(k, num_classes)` for the last k "
            "tokens, or `(k, values, num_classes)`. "
            f"Received: outputs={outputs!r}"
        )
    return None if len(sizes) == 1 else sizes[0]


def head(
    read: keras.KerasTensor, hidden_dim: int, outputs: Outputs
) -> keras.KerasTensor:
    """Applies the head, the same at every token that is read.

    Kernel and bias start from U(-1/sqrt(hidden_dim), 1/sqrt(hidden_dim)), as
    the original's. The head computes in float32 under any dtype policy, for
    logits feed a softmax.
    """
    sizes = (outputs,) if isinstance(outputs, int) else tuple(outputs)
    answer: tuple[Any, ...] = sizes[1:] if len(sizes) > 1 else sizes
    limit = 1 / math.sqrt(hidden_dim)
    logits = keras.layers.Dense(
        math.prod(answer),
        kernel_initializer=keras.initializers.RandomUniform(-limit, limit),
        bias_initializer=keras.initializers.RandomUniform(-limit, limit),
        dtype="float32",
        name="head",
    )(read)  # (batch, [k,] prod(answer))
    if len(answer) == 1:
        return logits
    return keras.layers.Reshape(sizes, name="answer")(logits)
