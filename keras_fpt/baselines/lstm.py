"""The LSTM family: layer-norm LSTMs, frozen or trained, shallow or deep."""

from __future__ import annotations

import math
import operator
import random
from typing import Any

import keras
from keras import ops

from keras_fpt.backend import own_paths
from keras_fpt.baselines.lstm_layer import LayerNormLSTM
from keras_fpt.finetuning import Finetune
from keras_fpt.frozen_model import FrozenModel
from keras_fpt.layers import Interface
from keras_fpt.seeds import generator
from keras_fpt.seeds import redraw
from keras_fpt.sizes import whole_number
from keras_fpt.stack import Stack

DEFAULT_POSITIONS = 1024  # as many as GPT-2 has


def lstm(
    task: Any = None,
    *,
    inputs: Any = None,
    outputs: Any = None,
    readout: str | None = None,
    padding_mask: bool | None = None,
    normalize: Any = None,
    num_layers: int = 3,
    hidden_dim: int = 768,
    residual: bool = False,
    positions: bool = False,
    layernorm_init: str = "standard",
    initial_state: str = "zeros",
    hidden_dropout: float = 0.0,
    finetune: Finetune = "full",
    dropout: float = 0.1,
    seed: int | None = None,
    name: str = "lstm",
) -> FrozenModel:
    """A stack of layer-norm LSTMs, as a baseline for sequences.

    The defaults are those of a fair comparison. The paper's rows are other
    LSTMs: they pass `layernorm_init="original"`, `initial_state="random"` and
    `hidden_dropout=0.1`, which is what the original's code computes. With its
    initial norms a deep stack barely sees its input. `LSTM` of Table 1 has 3
    layers, all trained; `LSTM` of Table 3 the same, frozen, with
    `finetune="fpt"`; `LSTM*` has 12 layers, residual connections and
    positions. The paper trained them with a learning rate of 3e-4. The input
    layer and the readout are the transformer's.

    Args:
        task: a `keras_fpt.tasks.Task`, or `None` to pass `inputs`, `outputs`,
            `readout` and `padding_mask` as to `FrozenPretrainedTransformer`.
        normalize: as of `FrozenPretrainedTransformer`. Defaults to `None`.
        num_layers: int. Defaults to `3`, Table 1's; LSTM* has 12.
        hidden_dim: int. Defaults to `768`, the paper's.
        residual: bool. Whether each layer adds to what it is given. Defaults
            to `False`.
        positions: bool. Whether a table of 1,024 positions is added, or of as
            many as the sequence has if that is longer. Defaults to `False`.
        layernorm_init: string. `"standard"` or `"original"`, as of
            `keras_fpt.baselines.LayerNormLSTM`. Defaults to `"standard"`.
        initial_state: string. `"zeros"`, or `"random"` as the original draws
            it, again on each pass. Defaults to `"zeros"`.
        hidden_dropout: float. Share of each layer's hidden vector that is
            dropped at each token in training, before it goes out and back
            into the next step; the original's is 0.1. Defaults to `0.0`.
        finetune: string or tuple of strings. As of the transformer; the group
            of the LSTM's kernels is `"recurrent"`. Defaults to `"full"`.
        dropout: float. After the linear input layer. Defaults to `0.1`.
        seed: int or `None`. Seed of all initial values; those of the LSTM
            are the same on every backend. `None` takes one from Keras' global
            seed. Defaults to `None`.
        name: string. Defaults to `"lstm"`.

    Returns:
        A `FrozenModel`, with the methods of the transformer for its freeze
        and its checkpoints.

    Raises:
        ValueError: if an argument does not fit the others.

    Example:

    ```python
    from keras_fpt import baselines

    task = keras_fpt.tasks.get("bit_xor")
    model = baselines.lstm(task, hidden_dim=64, finetune="fpt")
    model.compile(**task.compile_args(learning_rate=3e-4))
    ```

    Reference:
        [Lu et al., 2021](https://arxiv.org/abs/2103.05247), section 3.3
    """
    interface = Interface.of(
        task, inputs, outputs, readout, padding_mask, normalize
    )
    num_tokens = interface.tokens.num_tokens
    stack = LSTMStack(
        num_layers=num_layers,
        hidden_dim=hidden_dim,
        residual=residual,
        num_positions=(
            max(num_tokens, DEFAULT_POSITIONS) if positions else None
        ),
        layernorm_init=layernorm_init,
        initial_state=initial_state,
        hidden_dropout=hidden_dropout,
        seed=random.randrange(2**31) if seed is None else seed,
    )
    model = FrozenModel(stack, interface, finetune, dropout, name)
    redraw(model.layers, seed)
    return model


@keras.saving.register_keras_serializable(package="keras_fpt")
class LSTMStack(Stack):
    """Layer-norm LSTMs, one upon the other.

    Args:
        num_layers: int.
        hidden_dim: int.
        residual: bool.
        num_positions: int or `None`. Size of the position table, if any.
        layernorm_init: string.
        initial_state: string.
        seed: int.
        hidden_dropout: float. Defaults to `0.0`, which files of before it
            was an option mean.
        finetune: string or sequence of strings. Defaults to `"full"`.
    """

    groups = {
        "positions": (r"position_embedding/embeddings",),
        "layernorm": (r"lstm_{block}/\w+_layer_norm/\w+",),
        "recurrent": (r"lstm_{block}/(input|recurrent)/\w+",),
    }

    @own_paths()
    def __init__(
        self,
        num_layers: int,
        hidden_dim: int,
        residual: bool,
        num_positions: int | None,
        layernorm_init: str,
        initial_state: str,
        seed: int,
        hidden_dropout: float = 0.0,
        finetune: Finetune = "full",
        name: str = "trunk",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        # === Config ===
        self.num_layers = whole_number("num_layers", num_layers)
        self.hidden_dim = whole_number("hidden_dim", hidden_dim)
        self.residual = residual
        self.num_positions = num_positions
        self.layernorm_init = layernorm_init
        self.initial_state = initial_state
        self.hidden_dropout = hidden_dropout
        self.seed = operator.index(seed)

        # === Layers ===
        shape = (None, None, hidden_dim)
        self.position_embedding = None
        if num_positions is not None:
            self.position_embedding = keras.layers.Embedding(
                num_positions, hidden_dim, name="position_embedding"
            )
            self.position_embedding.build(shape)
        self.blocks = [
            LayerNormLSTM(
                hidden_dim,
                layernorm_init=layernorm_init,
                initial_state=initial_state,
                hidden_dropout=hidden_dropout,
                seed=self.seed + number,
                dtype=self.dtype_policy,
                name=f"lstm_{number}",
            )
            for number in range(num_layers)
        ]
        for block in self.blocks:
            block.build(shape)
        self._draw()
        self.built = True
        self.set_finetune(finetune)

    def call(
        self, tokens: Any, padding_mask: Any = None, training: Any = None
    ) -> Any:
        # Padding comes last: no real token's state has passed it.
        x = tokens
        if self.position_embedding is not None:
            positions = ops.arange(ops.shape(x)[1])
            x = x + self.position_embedding(positions)
        for block in self.blocks:
            hidden = block(x, training=training)
            x = x + hidden if self.residual else hidden
        return x  # (batch, num_tokens, hidden_dim)

    def describe(self) -> str:
        return f"{self.num_layers} LSTM layers"

    def get_config(self) -> dict[str, Any]:
        return {
            "num_layers": self.num_layers,
            "hidden_dim": self.hidden_dim,
            "residual": self.residual,
            "num_positions": self.num_positions,
            "layernorm_init": self.layernorm_init,
            "initial_state": self.initial_state,
            "hidden_dropout": self.hidden_dropout,
            "seed": self.seed,
            **super().get_config(),
        }

    def _draw(self) -> None:
        """Draws what is random from the seed, the same on every backend.

        Kernels and biases from U(-1/sqrt(hidden_dim), 1/sqrt(hidden_dim)),
        the original's norms from the same with their own size, positions from
        N(0, 0.02), as GPT-2's.
        """
        for variable in self.weights:
            rng = generator(self.seed, variable.path)
            if variable.path.startswith("position_embedding"):
                values = 0.02 * rng.standard_normal(variable.shape)
            elif "_layer_norm/" not in variable.path:
                limit = 1 / math.sqrt(self.hidden_dim)
                values = rng.uniform(-limit, limit, variable.shape)
            elif self.layernorm_init == "original":
                limit = 1 / math.sqrt(variable.shape[0])
                values = rng.uniform(-limit, limit, variable.shape)
            else:
                continue  # gains of one, shifts of zero
            variable.assign(values)
