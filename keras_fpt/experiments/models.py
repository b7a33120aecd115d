"""Models by name, as experiments build them."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt import baselines
from keras_fpt.fpt import FrozenPretrainedTransformer


@dataclasses.dataclass(frozen=True)
class Model:
    """A function that builds a model, with the name and version of its results.

    Args:
        name: string. Enters the hash key of an experiment.
        build: callable. Takes a task, `seed=` and the model's options;
            returns a Keras model, not compiled.
        version: int. Increase when the function changes; older records are
            then ignored. Defaults to `1`.
    """

    name: str
    build: Callable[..., Any]
    version: int = 1


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


def _without_seed(build: Callable[..., Any]) -> Callable[..., Any]:
    # What it draws follows from Keras' global seed.
    return lambda task, seed, **options: build(task, **options)


def _no_trunk(
    task: Any, seed: int, readout: str | None = None, **options: Any
) -> Any:
    """Without a trunk, `readout="mean"` lets the head see all tokens."""
    if readout is None or not isinstance(task.outputs, int):
        return baselines.no_trunk(task, **options)
    return baselines.no_trunk(
        inputs=task.inputs,
        outputs=task.outputs,
        readout=readout,
        padding_mask=task.padding_mask,
        normalize=task.normalization,
        **options,
    )


def pair(model: Any, seed: int) -> None:
    """Draws input layer and head from a seed, whatever the trunk drew.

    Models of one seed then start from the same values there, and drop out
    the same units where shapes allow, so that their scores are paired.
    """
    for layer in model.layers:
        for name in ("kernel", "bias", "embeddings"):
            initializer = getattr(layer, f"{name}_initializer", None)
            if initializer is None or layer.name not in PAIRED_LAYERS:
                continue
            config = initializer.get_config()
            if "seed" in config:
                config["seed"] = zlib.crc32(f"{seed}/{layer.name}".encode())
            variable = getattr(layer, name)
            draw = type(initializer).from_config(config)
            variable.assign(draw(variable.shape, dtype=variable.dtype))
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
        Model("transformer", baselines.transformer),
        Model("lstm", baselines.lstm),
        Model("cnn", _without_seed(baselines.cnn)),
        Model("no_trunk", _no_trunk),
        Model(
            "one_attention_layer",
            _without_seed(baselines.one_attention_layer),
        ),
    )
}
