"""Where a preset lies: embedded, in keras-nlp's list, on a hub, in a folder."""

from __future__ import annotations

import difflib
import pathlib
from typing import Any

_EMBEDDED = pathlib.Path(__file__).parent.parent / "presets"


def embedded_presets() -> list[str]:
    """Names of the presets that come with the library."""
    return sorted(p.parent.name for p in _EMBEDDED.glob("*/config.json"))


def embedded_folder(preset: str) -> pathlib.Path:
    """The folder of an embedded preset: its files, card and record."""
    return _EMBEDDED / preset


def load_backbone(preset: str, dropout: float, load_weights: bool) -> Any:
    """Loads a keras-nlp backbone, with the `dropout` that is asked for."""
    where = _locate(preset)
    import keras_nlp

    return keras_nlp.models.Backbone.from_preset(
        where, load_weights=load_weights, dropout=dropout
    )


def _locate(preset: str) -> str:
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
        if not (folder / "config.json").is_file():
            raise ValueError(
                f"The folder {preset!r} holds no config.json: expected a "
                "keras-nlp preset or a Hugging Face model"
            )
        return str(folder)
    if len(folder.parts) > 1:
        raise ValueError(f"There is no folder {preset!r} to load a trunk from")
    return _check_name(preset)


def _check_name(preset: str) -> str:
    import keras_nlp

    known = [*embedded_presets(), *keras_nlp.models.Backbone.presets]
    if preset in known:
        return preset
    close = difflib.get_close_matches(preset, known, n=3)
    raise ValueError(
        f"Unknown preset {preset!r}. "
        + (f"Did you mean {', '.join(close)}? " if close else "")
        + f"Embedded: {', '.join(embedded_presets())}; names that keras-nlp "
        "knows are in `keras_nlp.models.Backbone.presets`; or pass hf://..., "
        "kaggle://... or a folder"
    )
