"""How a keras-nlp backbone is opened. The only floor that imports it."""

from __future__ import annotations

from typing import Any

from keras_fpt.trunks.gpt2 import GPT2Trunk
from keras_fpt.trunks.presets import embedded_presets
from keras_fpt.trunks.presets import load_backbone
from keras_fpt.trunks.presets import not_opened
from keras_fpt.trunks.trunk import Trunk

FAMILIES: tuple[type[Trunk], ...] = (GPT2Trunk,)
_KNOWN = tuple(family.backbone_name for family in FAMILIES)

__all__ = [
    "GPT2Trunk",
    "Trunk",
    "embedded_presets",
    "from_backbone",
    "from_preset",
]


def from_backbone(
    backbone: Any,
    num_layers: int | None = None,
    preset: str | None = None,
    copy: bool = True,
    num_positions: int | None = None,
) -> Trunk:
    """Opens a backbone as a trunk.

    Args:
        backbone: a keras-nlp backbone of a known family.
        num_layers: int or `None`. Keeps the first blocks only.
        preset: string or `None`. What the backbone was loaded from.
        copy: bool. Whether the backbone stays the caller's: `False` takes
            over its layers and flags. Defaults to `True`.
        num_positions: int or `None`. Size of the position table. Defaults to
            `None`, the backbone's.

    Returns:
        A `Trunk`.

    Raises:
        ValueError: if no family opens such a backbone.
    """
    classes = {base.__name__ for base in type(backbone).__mro__}
    for family in FAMILIES:
        if family.backbone_name in classes:
            return family.from_backbone(
                backbone, num_layers, preset, copy, num_positions
            )
    raise not_opened(type(backbone).__name__, _KNOWN)


def from_preset(
    preset: str,
    dropout: float,
    num_layers: int | None = None,
    load_weights: bool = True,
    num_positions: int | None = None,
) -> Trunk:
    """Loads a preset as a trunk.

    Args:
        preset: string. An embedded preset, a name known to keras-nlp, a
            `hf://` or `kaggle://` address, or a local folder.
        dropout: float. Dropout of embeddings, attention and residuals.
        num_layers: int or `None`. Keeps the first blocks only.
        load_weights: bool. `False` leaves the weights behind and keeps the
            architecture. Defaults to `True`.
        num_positions: int or `None`. Size of the position table. Defaults to
            `None`, the preset's.
    """
    backbone = load_backbone(preset, dropout, load_weights, _KNOWN)
    return from_backbone(
        backbone, num_layers, preset, copy=False, num_positions=num_positions
    )
