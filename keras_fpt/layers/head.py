"""The head: one linear layer from a hidden vector to the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

from keras_fpt.sizes import whole_number

Outputs = int | Sequence[int]


def output_sizes(outputs: Outputs) -> tuple[int, ...]:
    """The sizes in `outputs`, refused if they name no answer.

    Args:
        outputs: int or sequence of ints. `num_classes` reads one token;
            `(k, num_classes)` the last `k`; `(k, values, num_classes)` reads
            `values` answers from each of them.

    Returns:
        Tuple of one to three ints.
    """
    several = isinstance(outputs, Sequence) and not isinstance(outputs, str)
    sizes = tuple(outputs) if several else (outputs,)  # type: ignore[arg-type]
    if not 1 <= len(sizes) <= 3:
        raise ValueError(
            "`outputs` is `num_classes`, `(k, num_classes)` for the last k "
            "tokens, or `(k, values, num_classes)`. "
            f"Received: outputs={outputs!r}"
        )
    return tuple(whole_number("outputs", size) for size in sizes)


def head(read: keras.KerasTensor, sizes: tuple[int, ...]) -> keras.KerasTensor:
    """Applies the head, the same at every token that is read.

    Kernel and bias start from U(-1/sqrt(size), 1/sqrt(size)), as the
    original's, where size is that of the vector that is read. The
    head computes in float32 under any dtype policy, for logits feed a softmax.
    """
    answer = sizes[1:] or sizes
    limit = 1 / math.sqrt(read.shape[-1])
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
