"""The input layer: turns tokens into hidden vectors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt.layers.dropout import Dropout
from keras_fpt.layers.embedding import Embedding
from keras_fpt.sizes import whole_number

Inputs = Sequence[int] | Mapping[str, int]

_FORMS = (
    "`inputs` is either `(num_tokens, token_dim)` for tokens that are "
    'vectors, or `{"num_tokens": ..., "vocabulary_size": ...}` for tokens '
    "that are ids"
)


@dataclasses.dataclass(frozen=True)
class TokenSpec:
    """Input tokens: vectors of `token_dim` numbers, or ids of a vocabulary.

    Args:
        num_tokens: int. The length of a sequence; with a padding mask, the
            largest length.
        token_dim: int or `None`. The size of a token that is a vector.
        vocabulary_size: int or `None`. The number of ids of a token that is
            an id. Exactly one of the two sizes is given.
    """

    num_tokens: int
    token_dim: int | None = None
    vocabulary_size: int | None = None

    @classmethod
    def of(cls, inputs: Inputs) -> TokenSpec:
        """Reads the `inputs` argument of a model or a task."""
        if isinstance(inputs, Mapping):
            if set(inputs) != {"num_tokens", "vocabulary_size"}:
                raise ValueError(f"{_FORMS}. Received: inputs={inputs!r}")
            sizes = dict(inputs)
        elif isinstance(inputs, Sequence) and len(inputs) == 2:
            sizes = dict(zip(("num_tokens", "token_dim"), inputs, strict=True))
        else:
            raise ValueError(f"{_FORMS}. Received: inputs={inputs!r}")
        return cls(**{k: whole_number(k, size) for k, size in sizes.items()})

    def config(self) -> list[int] | dict[str, int]:
        """The `inputs` argument that makes this spec again."""
        if self.vocabulary_size is None:
            assert self.token_dim is not None
            return [self.num_tokens, self.token_dim]
        return {
            "num_tokens": self.num_tokens,
            "vocabulary_size": self.vocabulary_size,
        }

    def model_input(self, variable_length: bool) -> keras.KerasTensor:
        """The `keras.Input` for a batch of such sequences."""
        length = None if variable_length else self.num_tokens
        if self.vocabulary_size is not None:
            return keras.Input((length,), dtype="int32", name="tokens")
        return keras.Input((length, self.token_dim), name="tokens")

    def embed(
        self,
        tokens: keras.KerasTensor,
        hidden_dim: int,
        dropout: float,
        bias_initializer: Any = "zeros",
    ) -> keras.KerasTensor:
        """Applies the trained input layer.

        Initial values are the original's: orthogonal with gain 1.41 for
        vectors, N(0, 1) for ids, which have no dropout of their own, and no
        bias. A trunk that a token of zeros does not suit asks for another
        `bias_initializer` than the original's zeros.
        """
        if self.vocabulary_size is not None:
            return Embedding(
                self.vocabulary_size,
                hidden_dim,
                embeddings_initializer=keras.initializers.RandomNormal(
                    stddev=1.0
                ),
                name="input_embedding",
            )(tokens)  # (batch, num_tokens, hidden_dim)
        hidden = keras.layers.Dense(
            hidden_dim,
            kernel_initializer=keras.initializers.Orthogonal(gain=1.41),
            bias_initializer=bias_initializer,
            name="input_projection",
        )(tokens)  # (batch, num_tokens, hidden_dim)
        return Dropout(dropout, name="input_dropout")(hidden)

    def check(self, x: Any, padding_mask: bool) -> None:
        """Refuses NumPy arrays that are no such tokens by their shape."""
        if isinstance(x, Mapping):
            expected = (
                {"tokens", "padding_mask"} if padding_mask else {"tokens"}
            )
            if set(x) != expected:
                raise ValueError(
                    f"Expected inputs named {sorted(expected)}. "
                    f"Received: {sorted(x)}"
                )
            x = x["tokens"]
        elif padding_mask and isinstance(x, np.ndarray):
            raise ValueError(
                "This model takes a padding mask: pass "
                '{"tokens": ..., "padding_mask": ...}. Received one array of '
                f"shape {x.shape}"
            )
        if isinstance(x, (list, tuple)):
            raise ValueError(
                "Expected one array of tokens. Received a "
                f"{type(x).__name__} of {len(x)}: stack sequences of one "
                "length with `np.stack`, pad those of several with "
                "`keras.utils.pad_sequences(..., padding='post')` and build "
                "the model with `padding_mask=True`"
            )
        if isinstance(x, np.ndarray):
            self._check_array(x, padding_mask)

    def _check_array(self, x: np.ndarray, variable_length: bool) -> None:
        shape: tuple[Any, ...] = ("batch", self.num_tokens)
        if self.token_dim is not None:
            shape += (self.token_dim,)
        length_fits = x.ndim > 1 and (
            x.shape[1] <= self.num_tokens
            if variable_length
            else x.shape[1] == self.num_tokens
        )
        if x.dtype.kind in "OSUTMmc":
            raise ValueError(
                "Expected tokens that are numbers. Received dtype "
                f"{x.dtype}; cast with `.astype('float32')`, or to 'int32' if "
                "they are ids"
            )
        if x.ndim != len(shape) or x.shape[2:] != shape[2:] or not length_fits:
            length = "at most " if variable_length else ""
            raise ValueError(
                f"Expected tokens of shape {_written(shape)}, with {length}"
                f"{self.num_tokens} tokens. Received shape {x.shape}"
            )


def _written(shape: tuple[Any, ...]) -> str:
    return "(" + ", ".join(str(size) for size in shape) + ")"
