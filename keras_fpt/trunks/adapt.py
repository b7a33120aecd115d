"""Quantizes the kernels of a loaded trunk, and adds LoRA."""

from __future__ import annotations

import types
from collections.abc import Collection
from collections.abc import Iterator
from typing import Any

import keras

from keras_fpt.finetuning import group_of

# keras-nlp's choice, under the names that its families have for them: the
# projections to queries and values.
LORA_LAYERS = frozenset(
    f"{projection}{suffix}"
    for projection in ("query", "value")
    for suffix in ("", "_dense", "_projector")
) | {"q_dense_layer", "v_dense_layer"}


def quantize(trunk: Any, mode: str) -> None:
    """Stores the kernels of attention and feed-forward layers in few bits.

    Args:
        trunk: a `Trunk`. Changed in place.
        mode: string. `"int8"`, `"int4"` or `"bfloat16"`.

    Raises:
        ValueError: if such a kernel is to be trained, which takes more bits;
            or if the trunk does not compute in the bfloat16 that it stores.
    """
    if mode == "bfloat16" and trunk.compute_dtype != mode:
        raise ValueError(
            "Kernels in bfloat16 are for a trunk that computes in it: expected "
            'quantization="bfloat16" beside dtype="mixed_bfloat16". Received: '
            f"a trunk that computes in {trunk.compute_dtype}"
        )
    layers = _with_kernel(trunk)
    for layer in layers:
        group = group_of(layer.kernel.path, trunk.finetune_rules)
        if group.trained:
            received = f"finetune={trunk.finetune!r}, quantization={mode!r}"
            raise _trained_kernel(group.name, received)
    if mode == "bfloat16":
        for layer in layers:
            _store(layer, mode)
        return
    chosen = {id(layer) for layer in layers}
    trunk.quantize(mode, filters=lambda layer: id(layer) in chosen)


def check_not_quantized(trunk: Any, paths: Collection[str]) -> None:
    """Refuses to train kernels that are quantized.

    Args:
        trunk: a `Trunk`.
        paths: collection of strings. The variables that are to be trained.
    """
    mode = trunk.options.quantization
    if mode is None or not trunk.adapted:
        return
    for layer in _with_kernel(trunk):
        path = layer._kernel.path
        if path in paths:
            name = group_of(path, trunk.finetune_rules).name
            received = f"{path!r} to train, quantization={mode!r}"
            raise _trained_kernel(name, received)


def _trained_kernel(group: str, received: str) -> ValueError:
    return ValueError(
        f"A quantized kernel cannot be trained: expected `finetune` "
        f"without {group!r}, or no `quantization`. Received: {received}"
    )


def _with_kernel(trunk: Any) -> list[Any]:
    return [layer for layer in _leaves(trunk) if hasattr(layer, "kernel")]


def _store(layer: Any, dtype: str) -> None:
    """Puts the kernel of a layer into a variable of another dtype."""
    kernel = layer._kernel
    layer._tracker.unlock()
    layer._untrack_variable(kernel)
    layer._kernel = layer.add_weight(
        shape=kernel.shape,
        # What a policy computes in is what it would cast to at each step.
        initializer=lambda shape, dtype: keras.ops.cast(kernel.value, dtype),
        dtype=dtype,
        trainable=False,
        name="kernel",
    )
    layer._tracker.lock()


def add_lora(trunk: Any, rank: int) -> None:
    """Adds trained matrices of low rank to the queries and values.

    They change nothing at first, for one of the two starts from zeros.

    Args:
        trunk: a `Trunk`. Changed in place.
        rank: int. The rank of the matrices.

    Reference:
        [Hu et al., 2021](https://arxiv.org/abs/2106.09685)
    """
    layers = [layer for layer in _leaves(trunk) if layer.name in LORA_LAYERS]
    if not layers:
        raise ValueError(
            f"{type(trunk).__name__} has no layer to add LoRA to: expected "
            f"one of {sorted(LORA_LAYERS)}"
        )
    for layer in layers:
        layer.enable_lora(rank)
        # Keras' own would write the kernel with the matrices merged into it,
        # and load matrices of zeros, which no gradient leaves.
        layer.save_own_variables = types.MethodType(
            keras.layers.Layer.save_own_variables, layer
        )
        layer.load_own_variables = types.MethodType(
            keras.layers.Layer.load_own_variables, layer
        )


def _leaves(trunk: Any) -> Iterator[Any]:
    """The layers that hold variables, inside the blocks."""
    for block in trunk.blocks:
        for layer in block._flatten_layers():
            if len(list(layer._flatten_layers())) == 1 and layer.weights:
                yield layer
