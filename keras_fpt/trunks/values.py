"""Copies values from a backbone into a trunk."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt.backend import copy_of

_ROWS = 8192


def copy_values(
    source: Mapping[str, Any],
    target: Sequence[Any],
    paths: Mapping[str, str] | None = None,
) -> None:
    """Copies values to variables.

    A layer of the source that holds more than its twin in the target, as a
    quantized layer or one with LoRA does, is refused: a copy would lose it.

    Args:
        source: mapping from paths to values.
        target: sequence of variables.
        paths: mapping from a variable's path to that of its value. Defaults
            to `None`, the same paths.
    """
    paths = paths or {variable.path: variable.path for variable in target}
    copied = {paths[variable.path] for variable in target}
    layers = {path.rsplit("/", 1)[0] for path in copied}
    lost = [
        p for p in source if p.rsplit("/", 1)[0] in layers and p not in copied
    ]
    if lost:
        raise ValueError(
            "Cannot copy a backbone with LoRA or quantized layers: expected "
            f"plain weights, received {lost[0]!r} too. Build the model around "
            "the plain backbone and pass `lora_rank=` or `quantization=`"
        )
    for variable in target:
        # On JAX, training deletes the arrays that it replaces: never share.
        variable.assign(keras.ops.copy(source[paths[variable.path]]))


def scope_of(backbone: Any) -> str:
    """What the paths of all layers of a backbone begin with, such as `"a/"`.

    Empty for one that was made outside every `keras.name_scope`.
    """
    scopes = {
        layer.path.removesuffix(layer.name)
        for layer in backbone.layers
        if layer.weights and layer.path
    }
    return scopes.pop() if len(scopes) == 1 else ""


def repeat_rows(table: Any, num_rows: int) -> Any:
    """Repeats the rows of a table from the first on, or drops the last ones.

    A pretrained position table serves longer sequences that way: between its
    copies, neighbours stay neighbours.

    Reference:
        [Beltagy et al., 2020](https://arxiv.org/abs/2004.05150), section 5
    """
    rows = keras.ops.arange(num_rows) % table.shape[0]
    return keras.ops.take(table, rows, axis=0)  # (num_rows, hidden_dim)


def embedding_std(backbone: Any) -> float | None:
    """Standard deviation of a backbone's token table; `None` without one."""
    layer = getattr(backbone, "token_embedding", None)
    if layer is None:
        return None
    table = layer.embeddings  # (vocabulary_size, hidden_dim)
    total, squares = 0.0, 0.0
    # A block of rows at a time: a copy of Llama 3's whole table takes 2 GB.
    for start in range(0, table.shape[0], _ROWS):
        rows = keras.ops.convert_to_numpy(
            keras.ops.cast(table[start : start + _ROWS], "float32")
        )
        total += rows.sum(dtype="float64")
        squares += np.square(rows).sum(dtype="float64")
    count = math.prod(table.shape)
    return math.sqrt(squares / count - (total / count) ** 2)


def expect_finite(variables: Sequence[Any], what: str) -> None:
    """Refuses NaN and infinity, with which nothing can be computed.

    Args:
        variables: sequence of variables.
        what: string. What errors call them.
    """
    for variable in variables:
        if not np.isfinite(copy_of(variable)).all():
            raise ValueError(
                f"Expected finite weights. Received NaN or infinity in "
                f"{variable.path!r} of {what}: it diverged in training, is "
                "damaged, or was stored in a type that its numbers do not fit. "
                "Choose another model"
            )


def has_biases(variables: Sequence[Any]) -> bool:
    """Whether a bias, of a dense layer or a norm, is more than rounding.

    A fresh backbone's are zeros, or in ViT of size 1e-6.
    """
    return any(
        np.abs(copy_of(variable).astype("float32")).max() > 1e-4
        for variable in variables
        if variable.path.endswith(("/bias", "/beta"))
    )


def glorot_deviation(shape: Sequence[int]) -> float:
    """The deviation of Keras' default scheme for a kernel of this shape.

    A kernel of attention, (hidden_dim, heads, head_dim) or the reverse, is
    drawn as the square matrix that it is without its heads.
    """
    if len(shape) == 3:
        shape = (math.isqrt(math.prod(shape)),) * 2
    return math.sqrt(2 / sum(shape))


def forget_replaced_variables(layer: Any) -> None:
    """Frees parameters that PyTorch still references after a replacement.

    On PyTorch, each keeps the parameters of all within, and thereby their
    memory, though a layer inside has others by now.
    """
    for each in layer._flatten_layers():
        if hasattr(each, "_track_variables"):
            each._track_variables()
    # Keras' variables lie in cycles, which keep hundreds of MB until then.
    gc.collect()
