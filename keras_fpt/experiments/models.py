"""Models by name, as experiments build them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt import baselines
from keras_fpt.fpt import FrozenPretrainedTransformer
from keras_fpt.seeds import redraw


@dataclasses.dataclass(frozen=True)
class Model:
    """A function that builds a model, with the name and version of its results.

    Args:
        name: string. Enters the hash key of an experiment.
        build: callable. Takes a task, `seed=` and the model's options;
            returns a Keras model, not compiled.
        version: int. Increase when the function changes; older records are
            then ignored, unless `former_defaults` has them. Defaults to `1`.
        former_defaults: mapping from older versions whose records still count
            to the options that they had without naming them: their records
            are those of a model with these options. Defaults to none.
    """

    name: str
    build: Callable[..., Any]
    version: int = 1
    former_defaults: Mapping[int, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict, compare=False
    )


def _fpt(
    task: Any,
    seed: int,
    preset: str,
    presets: Mapping[str, str],
    **options: Any,
) -> Any:
    return FrozenPretrainedTransformer.from_preset(
        presets.get(preset, preset), task=task, seed=seed, **options
    )


def pair(model: Any, seed: int) -> None:
    """Draws input layer and head from a seed, whatever the trunk drew.

    Models of one seed then start from the same values there, and drop out
    the same units where shapes allow, so that their scores are paired.
    """
    redraw([x for x in model.layers if x.name in PAIRED_LAYERS], seed)
    keras.utils.set_random_seed(seed)
    states = [
        v for v in model.variables if v.path.endswith("seed_generator_state")
    ]
    for number, state in enumerate(states):
        state.assign(keras.ops.cast([seed, number], state.dtype))


PAIRED_LAYERS = ("input_projection", "input_embedding", "head")
MODELS = {
    model.name: model
    for model in (
        Model("fpt", _fpt),
        # Version 1 drew input layer and head from Keras' global seed: other
        # numbers of the same distribution.
        Model("transformer", baselines.transformer, 2, {1: {}}),
        Model("lstm", baselines.lstm, 2, {1: {"layernorm_init": "original"}}),
        Model("cnn", baselines.cnn, 2, {1: {}}),
        # Version 1 read out the last token.
        Model("no_trunk", baselines.no_trunk, 2),
        Model("one_attention_layer", baselines.one_attention_layer, 2),
    )
}
