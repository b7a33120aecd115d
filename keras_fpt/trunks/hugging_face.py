"""Applies settings of a Hugging Face config that keras-nlp ignores."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

# What a family that passes both on adds to its config.
CONFIG_OVERRIDES = ("activation", "layer_norm_epsilon")


def gelu_approximate(x: Any) -> Any:
    """The formula of Google's and OpenAI's code for the GELU."""
    return keras.activations.gelu(x, approximate=True)


# Hugging Face's names.
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "gelu": keras.activations.gelu,
    "gelu_python": keras.activations.gelu,
    "gelu_new": gelu_approximate,
    "gelu_fast": gelu_approximate,
    "gelu_pytorch_tanh": gelu_approximate,
    "relu": keras.activations.relu,
    "silu": keras.activations.silu,
    "swish": keras.activations.silu,
}
EXACT_GELU = tuple(
    name for name, f in ACTIVATIONS.items() if f is keras.activations.gelu
)


def expect(config: Mapping[str, Any], **known: Any) -> None:
    """Refuses a model that computes otherwise than its trunk would.

    Args:
        config: the `config.json`. An option that is not there has Hugging
            Face's default, which must be among the known.
        **known: option -> the value that the trunk computes, or a tuple of
            such values.

    Raises:
        ValueError: if an option has another value.
    """
    for option, values in known.items():
        values = values if isinstance(values, tuple) else (values,)
        if option in config and config[option] not in values:
            raise ValueError(
                "The trunk of this family does not compute what the "
                f"config.json asks for: expected {option} to be "
                f"{' or '.join(map(repr, values))}. Received: "
                f"{option}={config[option]!r}. Choose another model"
            )


def set_overrides(
    config: Mapping[str, Any], blocks: Sequence[Any], norms: Sequence[Any]
) -> None:
    """Gives blocks the activation, and norms the epsilon, of a trunk's config.

    Args:
        config: config of a trunk. What it leaves out stays as keras-nlp has it.
        blocks: `TransformerEncoder`s or `TransformerDecoder`s of keras-nlp.
        norms: layers. The norms outside the blocks.
    """
    if "activation" in config:
        for block in blocks:
            dense = block._feedforward_intermediate_dense
            dense.activation = ACTIVATIONS[config["activation"]]
    if "layer_norm_epsilon" in config:
        inside = [
            norm
            for block in blocks
            for norm in (
                block._self_attention_layer_norm,
                block._feedforward_layer_norm,
            )
        ]
        for norm in (*norms, *inside):
            norm.epsilon = config["layer_norm_epsilon"]


def read_config(
    family: Any, config: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """What a family reads of a `config.json`.

    Args:
        family: subclass of `Trunk`.
        config: the `config.json`; empty for a preset that has none.
        where: string. What errors call it.

    Raises:
        ValueError: if it lacks a size or gives it in another type, or asks
            for what the trunk does not compute.
    """
    with whole_config(where):
        return family.from_hugging_face(config)


@contextlib.contextmanager
def whole_config(where: str) -> Iterator[None]:
    """Says what a `config.json` lacks, instead of what followed from it."""
    expected = "expected it as Hugging Face's `save_pretrained` writes it"
    try:
        yield
    except KeyError as error:
        raise ValueError(
            f"The config.json of {where!r} lacks {error}: {expected}"
        ) from error
    except (TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(
            f"The config.json of {where!r} has a value of a wrong type or size "
            f"({' '.join(str(error).split())[:200]}): {expected}"
        ) from error
