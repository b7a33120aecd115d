"""One LSTM layer with layer normalization, as the original's baseline has."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_fpt.layers.dropout import dropout
from keras_fpt.sizes import whole_number

LAYERNORM_INITS = ("original", "standard")
INITIAL_STATES = ("zeros", "random")


@keras.saving.register_keras_serializable(package="keras_fpt")
class LayerNormLSTM(keras.layers.Layer):
    """An LSTM whose gates and cell are normalized.

    Input and recurrent products are each normalized over all four gates
    together, and so is the cell, which is carried on as normalized. Kernels
    and biases start from U(-1/sqrt(hidden_dim), 1/sqrt(hidden_dim)).

    Args:
        hidden_dim: int, at least 2. The size of a hidden vector.
        layernorm_init: string. `"standard"` starts from gains of one and
            shifts of zero; `"original"` draws gains and shifts of a norm of
            size n from U(-1/sqrt(n), 1/sqrt(n)), as the original's code does,
            so that deep stacks barely see their input. Defaults to
            `"standard"`.
        initial_state: string. `"random"` draws the first state again on each
            pass, in evaluation too, with variance 2 / (input_dim +
            hidden_dim), as the original does. Defaults to `"zeros"`, with
            which an evaluation can be repeated.
        hidden_dropout: float. Share of the hidden vector that is dropped at
            each token in training, before it goes out and back into the next
            step; the original drops 0.1. Defaults to `0.0`.
        seed: int or `None`. Of the random state and of the dropout. Defaults
            to `None`.

    Input shape:
        `(batch, num_tokens, input_dim)`.

    Output shape:
        `(batch, num_tokens, hidden_dim)`.

    Raises:
        ValueError: if an argument is none of those named, or
            `hidden_dropout` is no share.

    Example:

    ```python
    layer = keras_fpt.baselines.LayerNormLSTM(32)
    layer(np.zeros((8, 10, 16))).shape  # (8, 10, 32)
    ```

    Reference:
        [Ba et al., 2016](https://arxiv.org/abs/1607.06450)
    """

    def __init__(
        self,
        hidden_dim: int,
        layernorm_init: str = "standard",
        initial_state: str = "zeros",
        hidden_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        # The variance of one value does not exist.
        hidden_dim = whole_number("hidden_dim", hidden_dim, least=2)
        for name, value, known in (
            ("layernorm_init", layernorm_init, LAYERNORM_INITS),
            ("initial_state", initial_state, INITIAL_STATES),
        ):
            if value not in known:
                raise ValueError(
                    f"`{name}` must be one of {known}. "
                    f"Received: {name}={value!r}"
                )
        if not 0 <= hidden_dropout < 1:
            raise ValueError(
                "`hidden_dropout` is a share, at least 0 and less than 1. "
                f"Received: hidden_dropout={hidden_dropout!r}"
            )
        super().__init__(**kwargs)
        self.hidden_dim = hidden_dim
        self.layernorm_init = layernorm_init
        self.initial_state = initial_state
        self.hidden_dropout = hidden_dropout
        self.seed = seed
        if initial_state == "random" or hidden_dropout:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.input_product = self._product("input")
        self.recurrent_product = self._product("recurrent")
        self.input_norm = self._norm("input_layer_norm")
        self.recurrent_norm = self._norm("recurrent_layer_norm")
        self.cell_norm = self._norm("cell_layer_norm")

    def build(self, tokens_shape: Any) -> None:
        batch, num_tokens, _ = tokens_shape
        gates = 4 * self.hidden_dim
        self.input_product.build(tokens_shape)
        self.recurrent_product.build((batch, self.hidden_dim))
        self.input_norm.build((batch, num_tokens, gates))
        self.recurrent_norm.build((batch, gates))
        self.cell_norm.build((batch, self.hidden_dim))

    def call(self, tokens: Any, training: Any = None) -> Any:
        # What does not wait for the state is computed for all tokens at once.
        given = self.input_norm(self.input_product(tokens))
        # (batch, num_tokens, 4 * hidden_dim)

        def step(state: Any, token: Any) -> Any:
            hidden, cell = state
            given, *kept = token
            gates = given + self.recurrent_norm(self.recurrent_product(hidden))
            shares = ops.sigmoid(gates[:, : 3 * self.hidden_dim])
            enter, forget, leave = ops.split(shares, 3, axis=-1)
            new = ops.tanh(gates[:, 3 * self.hidden_dim :])
            cell = self.cell_norm(forget * cell + enter * new)
            hidden = leave * ops.tanh(cell)
            state = (hidden * kept[0] if kept else hidden), cell
            # Keras' scan on TensorFlow wants as many outputs as states.
            return state, state

        first = self._first_state(tokens, given.dtype)
        return _hidden_of_all(
            step, first, (given, *self._kept(given, training))
        )

    def compute_output_shape(self, tokens_shape: Any) -> tuple[Any, ...]:
        return (*tokens_shape[:-1], self.hidden_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "layernorm_init": self.layernorm_init,
            "initial_state": self.initial_state,
            "hidden_dropout": self.hidden_dropout,
            "seed": self.seed,
        }

    def _kept(self, given: Any, training: Any) -> list[Any]:
        """Dropout's factors for all tokens, in training only."""
        if not training or not self.hidden_dropout:
            return []
        batch, num_tokens, _ = ops.shape(given)
        ones = ops.ones((batch, num_tokens, self.hidden_dim), given.dtype)
        return [dropout(ones, self.hidden_dropout, self.seed_generator)]

    def _first_state(self, tokens: Any, dtype: Any) -> tuple[Any, Any]:
        shape = (ops.shape(tokens)[0], self.hidden_dim)
        if self.initial_state == "zeros":
            return ops.zeros(shape, dtype), ops.zeros(shape, dtype)
        std = math.sqrt(2 / (tokens.shape[-1] + self.hidden_dim))
        hidden, cell = (
            keras.random.normal(
                shape, stddev=std, dtype=dtype, seed=self.seed_generator
            )
            for _ in range(2)
        )
        return hidden, cell

    def _product(self, name: str) -> Any:
        limit = 1 / math.sqrt(self.hidden_dim)
        return keras.layers.Dense(
            4 * self.hidden_dim,
            kernel_initializer=_uniform(limit),
            bias_initializer=_uniform(limit),
            dtype=self.dtype_policy,
            name=name,
        )

    def _norm(self, name: str) -> Any:
        return _SampleNorm(
            self.layernorm_init, dtype=self.dtype_policy, name=name
        )


class _SampleNorm(keras.layers.Layer):
    """Layer normalization by the sample variance, which divides by n - 1."""

    def __init__(self, layernorm_init: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layernorm_init = layernorm_init

    def build(self, shape: Any) -> None:
        size = shape[-1]
        standard = self.layernorm_init == "standard"
        limit = 1 / math.sqrt(size)
        self.gamma = self.add_weight(
            name="gamma",
            shape=(size,),
            initializer="ones" if standard else _uniform(limit),
        )
        self.beta = self.add_weight(
            name="beta",
            shape=(size,),
            initializer="zeros" if standard else _uniform(limit),
        )
        self.factor = size / (size - 1)

    def call(self, x: Any) -> Any:
        # The original's epsilon is 1e-6. With the sample variance, all is as
        # with the variance that layer norms take, times a number.
        return ops.layer_normalization(
            x,
            gamma=self.gamma / math.sqrt(self.factor),
            beta=self.beta,
            axis=-1,
            epsilon=1e-6 / self.factor,
        )


def _hidden_of_all(step: Any, first: Any, tokens: tuple[Any, ...]) -> Any:
    """Runs the recurrence: `(batch, num_tokens, hidden_dim)`."""
    if keras.backend.backend() == "torch":
        # Keras' scan takes token by token out of the whole; the gradient of
        # each is as large as all of it.
        state, hidden = first, []
        each = (ops.unstack(tensor, axis=1) for tensor in tokens)
        for token in zip(*each, strict=True):
            state, _ = step(state, token)
            hidden.append(state[0])
        return ops.stack(hidden, axis=1)
    by_token = tuple(ops.swapaxes(tensor, 0, 1) for tensor in tokens)
    _, (hidden, _) = ops.scan(step, first, by_token)
    return ops.swapaxes(hidden, 0, 1)


def _uniform(limit: float) -> Any:
    return keras.initializers.RandomUniform(-limit, limit)
