"""Where a preset lies: embedded, in keras-nlp's list, on a hub, in a folder."""

from __future__ import annotations

import difflib
import json
import pathlib
from collections.abc import Collection
from typing import Any

_EMBEDDED = pathlib.Path(__file__).parent.parent / "presets"


def embedded_presets() -> list[str]:
    """Names of the presets that come with the library."""
    return sorted(p.parent.name for p in _EMBEDDED.glob("*/config.json"))


def embedded_folder(preset: str) -> pathlib.Path:
    """The folder of an embedded preset: its files, card and record."""
    return _EMBEDDED / preset


def load_backbone(
    preset: str, dropout: float, load_weights: bool, known: Collection[str]
) -> Any:
    """Loads a keras-nlp backbone, with the `dropout` that is asked for.

    Args:
        preset: string. What to load.
        dropout: float. Dropout of embeddings, attention and residuals.
        load_weights: bool. `False` keeps the architecture alone.
        known: names of the backbones that a trunk opens. A preset that is
            seen to be of another is refused before it is fetched.
    """
    where = _locate(preset, known)
    import keras_nlp

    return keras_nlp.models.Backbone.from_preset(
        where, load_weights=load_weights, dropout=dropout
    )


def not_opened(what: str, known: Collection[str]) -> ValueError:
    """The error for a backbone of an architecture that no trunk opens."""
    return ValueError(
        f"No trunk opens a {what}. Known backbones: {', '.join(known)} of "
        "keras-nlp; the backbone of a larger model is its attribute "
        "`backbone`, and a preset is loaded by `from_preset`"
    )


def _locate(preset: str, known: Collection[str]) -> str:
    """What keras-nlp understands; a typing error is told before it looks."""
    if not isinstance(preset, str):
        raise ValueError(
            "`preset` must be a string. To build around a backbone of your "
            "own, call `FrozenPretrainedTransformer(backbone, ...)`. "
            f"Received: {type(preset).__name__}"
        )
    if preset in embedded_presets():
        return str(embedded_folder(preset))
    if "://" in preset:
        return preset
    folder = pathlib.Path(preset).expanduser()
    if folder.is_dir():
        return _check_folder(folder, known)
    if len(folder.parts) > 1:
        raise ValueError(f"There is no folder {preset!r} to load a trunk from")
    return _check_name(preset, known)


def _check_folder(folder: pathlib.Path, known: Collection[str]) -> str:
    config = folder / "config.json"
    if not config.is_file():
        raise ValueError(
            f"The folder {str(folder)!r} holds no config.json: expected a "
            "keras-nlp preset or a Hugging Face model"
        )
    try:
        class_name = json.loads(config.read_text()).get("class_name")
    except (ValueError, AttributeError):
        raise ValueError(
            f"{str(config)!r} is no JSON object: expected the config.json of "
            "a keras-nlp preset or a Hugging Face model"
        ) from None
    # Hugging Face's has none: keras-nlp finds the backbone by its model_type.
    if class_name is not None and class_name not in known:
        raise not_opened(class_name, known)
    return str(folder)


def _check_name(preset: str, known: Collection[str]) -> str:
    import keras_nlp

    opened = list(embedded_presets())
    for backbone in known:
        opened += getattr(keras_nlp.models, backbone).presets
    if preset in opened:
        return preset
    if preset in keras_nlp.models.Backbone.presets:
        raise not_opened(f"backbone such as {preset!r}", known)
    close = difflib.get_close_matches(preset, opened, n=3)
    raise ValueError(
        f"Unknown preset {preset!r}. "
        + (f"Did you mean {', '.join(close)}? " if close else "")
        + f"Embedded: {', '.join(embedded_presets())}; names that keras-nlp "
        "knows are in `keras_nlp.models.GPT2Backbone.presets`; or pass "
        "hf://..., kaggle://... or a folder"
    )
