"""How values get from a backbone into a trunk."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras


def copy_values(source: Mapping[str, Any], target: Sequence[Any]) -> None:
    """Copies values, by path, to the variables of those paths.

    A layer of the source that holds more than its twin in the target, as a
    quantized layer or one with LoRA does, is refused: a copy would lose it.
    """
    paths = {variable.path for variable in target}
    layers = {path.rsplit("/", 1)[0] for path in paths}
    lost = [
        p for p in source if p.rsplit("/", 1)[0] in layers and p not in paths
    ]
    if lost:
        raise ValueError(
            "Cannot copy a backbone with LoRA or quantized layers: expected "
            f"plain weights, received {lost[0]!r} too. Build the model around "
            "the plain backbone and pass `lora_rank=` or `quantization=`"
        )
    for variable in target:
        # On JAX, training deletes the arrays that it replaces: never share.
        variable.assign(keras.ops.copy(source[variable.path]))


def repeat_rows(table: Any, num_rows: int) -> Any:
    """A table of more rows, which begin anew where they end, or of fewer.

    A pretrained position table serves longer sequences that way: between its
    copies, neighbours stay neighbours.

    Reference:
        [Beltagy et al., 2020](https://arxiv.org/abs/2004.05150), section 5
    """
    rows = keras.ops.arange(num_rows) % table.shape[0]
    return keras.ops.take(table, rows, axis=0)  # (num_rows, hidden_dim)


def glorot_deviation(shape: Sequence[int]) -> float:
    """The deviation of Keras' default scheme for a kernel of this shape.

    A kernel of attention, (hidden_dim, heads, head_dim) or the reverse, is
    drawn as the square matrix that it is without its heads.
    """
    if len(shape) == 3:
        shape = (math.isqrt(math.prod(shape)),) * 2
    return math.sqrt(2 / sum(shape))


def forget_replaced_variables(layer: Any) -> None:
    """Lets go of what a layer and those inside it held before.

    On PyTorch, each keeps the parameters of all within, and thereby their
    memory, though a layer inside has others by now.
    """
    for each in layer._flatten_layers():
        if hasattr(each, "_track_variables"):
            each._track_variables()
    # Keras' variables lie in cycles, which keep hundreds of MB until then.
    gc.collect()
