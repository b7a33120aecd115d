"""Controls: one attention layer, or no trunk at all."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import ops

from keras_fpt.backend import own_paths
from keras_fpt.finetuning import Finetune
from keras_fpt.frozen_model import FrozenModel
from keras_fpt.layers import Interface
from keras_fpt.seeds import redraw
from keras_fpt.sizes import whole_number
from keras_fpt.stack import Stack


def no_trunk(
    task: Any = None,
    *,
    inputs: Any = None,
    outputs: Any = None,
    readout: str | None = None,
    padding_mask: bool | None = None,
    normalize: Any = None,
    hidden_dim: int = 768,
    finetune: Finetune = "full",
    dropout: float = 0.1,
    seed: int | None = None,
    name: str = "no_trunk",
) -> FrozenModel:
    """Input layer, readout and head, and nothing between them.

    What it reaches needs no trunk (Tan et al., 2024). Nothing mixes tokens:
    the mean of all of them is read out, or with `readout="last"` only the
    last one.

    Args:
        task: a `keras_fpt.tasks.Task`, or `None` to pass `inputs`, `outputs`
            and `padding_mask` as to `FrozenPretrainedTransformer`.
        readout: string or `None`. `"mean"`, `"last"` or `"last_real"`, with a
            task too. Defaults to `None`: `"mean"`, but the last tokens where
            each of them has an answer of its own.
        normalize: as of `FrozenPretrainedTransformer`. Defaults to `None`.
        hidden_dim: int. Defaults to `768`, that of GPT-2 base.
        finetune: string or tuple of strings. Defaults to `"full"`.
        dropout: float. After the linear input layer. Defaults to `0.1`.
        seed: int or `None`. Seed of all initial values. Defaults to `None`,
            Keras' global one.
        name: string. Defaults to `"no_trunk"`.

    Returns:
        A `FrozenModel`.

    Example:

    ```python
    from keras_fpt import baselines

    task = keras_fpt.tasks.get("bit_xor")
    model = baselines.no_trunk(task)
    ```

    Reference:
        [Tan et al., 2024](https://arxiv.org/abs/2406.16964)
    """
    interface = _read_mean(
        task, inputs, outputs, readout, padding_mask, normalize
    )
    model = FrozenModel(NoStack(hidden_dim), interface, finetune, dropout, name)
    redraw(model.layers, seed)
    return model


def one_attention_layer(
    task: Any = None,
    *,
    inputs: Any = None,
    outputs: Any = None,
    readout: str | None = None,
    padding_mask: bool | None = None,
    normalize: Any = None,
    hidden_dim: int = 768,
    num_heads: int = 12,
    num_positions: int = 1024,
    finetune: Finetune = "full",
    dropout: float = 0.1,
    seed: int | None = None,
    name: str = "one_attention_layer",
) -> FrozenModel:
    """One bidirectional attention layer in the place of a trunk.

    It has learned positions, a norm before the attention, a residual
    connection around it and a norm after it; no feed-forward layer.

    Args:
        task: as of `no_trunk`, and so are `inputs`, `outputs`, `readout` and
            `padding_mask`.
        normalize: as of `no_trunk`. Defaults to `None`.
        hidden_dim: int. Defaults to `768`, that of GPT-2 base.
        num_heads: int. Divides `hidden_dim`. Defaults to `12`, those of GPT-2
            base.
        num_positions: int. Defaults to `1024`, GPT-2's.
        finetune: string or tuple of strings. Defaults to `"full"`.
        dropout: float. After the linear input layer. Defaults to `0.1`.
        seed: int or `None`. As of `no_trunk`. Defaults to `None`.
        name: string. Defaults to `"one_attention_layer"`.

    Returns:
        A `FrozenModel`.

    Raises:
        ValueError: if an argument does not fit the others.

    Example:

    ```python
    from keras_fpt import baselines

    task = keras_fpt.tasks.get("bit_xor")
    model = baselines.one_attention_layer(task, hidden_dim=64, num_heads=4)
    ```

    Reference:
        [Tan et al., 2024](https://arxiv.org/abs/2406.16964)
    """
    interface = _read_mean(
        task, inputs, outputs, readout, padding_mask, normalize
    )
    stack = AttentionStack(hidden_dim, num_heads, num_positions)
    model = FrozenModel(stack, interface, finetune, dropout, name)
    redraw((*model.layers, *stack.drawn_layers), seed)
    return model


def _read_mean(
    task: Any,
    inputs: Any,
    outputs: Any,
    readout: str | None,
    padding_mask: bool | None,
    normalize: Any,
) -> Interface:
    """The interface, with the mean read out unless told otherwise."""
    interface = Interface.of(
        *(task, inputs, outputs, None, padding_mask, normalize)
    )
    if readout is None and interface.read_tokens is None:
        readout = "mean"
    if readout is None:
        return interface
    return dataclasses.replace(interface, readout=readout)


@keras.saving.register_keras_serializable(package="keras_fpt")
class NoStack(Stack):
    """No blocks: hidden vectors go out as they come in.

    Args:
        hidden_dim: int.
        finetune: string or sequence of strings. Defaults to `"full"`.
    """

    groups = {}

    def __init__(
        self,
        hidden_dim: int,
        finetune: Finetune = "full",
        name: str = "trunk",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.hidden_dim = whole_number("hidden_dim", hidden_dim)
        self.blocks = []
        self.built = True
        self.set_finetune(finetune)

    def call(
        self, tokens: Any, padding_mask: Any = None, training: Any = None
    ) -> Any:
        return tokens

    def describe(self) -> str:
        return "no blocks"

    def get_config(self) -> dict[str, Any]:
        return {"hidden_dim": self.hidden_dim, **super().get_config()}


@keras.saving.register_keras_serializable(package="keras_fpt")
class AttentionStack(Stack):
    """One attention layer.

    Args:
        hidden_dim: int.
        num_heads: int.
        num_positions: int.
        finetune: string or sequence of strings. Defaults to `"full"`.
    """

    groups = {
        "positions": (r"position_embedding/embeddings",),
        "layernorm": (r"attention_{block}_layer_norm/\w+", r"layer_norm/\w+"),
        "attention": (r"attention_{block}/.+",),
    }

    @own_paths()
    def __init__(
        self,
        hidden_dim: int,
        num_heads: int,
        num_positions: int,
        finetune: Finetune = "full",
        name: str = "trunk",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        # === Config ===
        self.hidden_dim = whole_number("hidden_dim", hidden_dim)
        self.num_heads = whole_number("num_heads", num_heads)
        self.num_positions = whole_number("num_positions", num_positions)
        if hidden_dim % num_heads:
            raise ValueError(
                "`num_heads` must divide `hidden_dim`. Received: "
                f"num_heads={num_heads}, hidden_dim={hidden_dim}"
            )

        # === Layers ===
        shape = (None, None, hidden_dim)
        attention = keras.layers.MultiHeadAttention(
            num_heads, hidden_dim // num_heads, name="attention_0"
        )
        attention.build(shape, shape)
        self.blocks = [attention]
        self.position_embedding = keras.layers.Embedding(
            num_positions, hidden_dim, name="position_embedding"
        )
        # GPT-2's epsilon; Keras' own is 1e-3.
        self.first_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, name="attention_0_layer_norm"
        )
        self.final_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, name="layer_norm"
        )
        for layer in (
            self.position_embedding,
            self.first_norm,
            self.final_norm,
        ):
            layer.build(shape)
        self.built = True
        self.set_finetune(finetune)

    @property
    def drawn_layers(self) -> tuple[Any, ...]:
        """Layers whose initial values are random."""
        attention = self.blocks[0]
        return (
            self.position_embedding,
            attention.query_dense,
            attention.key_dense,
            attention.value_dense,
            attention.output_dense,
        )

    def call(
        self, tokens: Any, padding_mask: Any = None, training: Any = None
    ) -> Any:
        x, attended, _ = self._attend(tokens, padding_mask)
        return self.final_norm(x + attended)

    def attention_scores(
        self, tokens: Any, layer: int, padding_mask: Any = None
    ) -> Any:
        """Attention: `(batch, heads, num_tokens, num_tokens)`."""
        return self._attend(tokens, padding_mask)[2]

    def _attend(self, tokens: Any, padding_mask: Any) -> tuple[Any, Any, Any]:
        positions = ops.arange(ops.shape(tokens)[1])
        x = tokens + self.position_embedding(positions)
        hidden = self.first_norm(x)
        mask = padding_mask
        if mask is not None:
            mask = ops.cast(mask, "bool")[:, None, :]
        attended, scores = self.blocks[0](
            hidden, hidden, attention_mask=mask, return_attention_scores=True
        )
        return x, attended, scores

    def describe(self) -> str:
        return "one attention layer"

    def get_config(self) -> dict[str, Any]:
        return {
            "hidden_dim": self.hidden_dim,
            "num_heads": self.num_heads,
            "num_positions": self.num_positions,
            **super().get_config(),
        }
