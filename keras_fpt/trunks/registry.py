"""Registers the families of trunks, and opens backbones and presets by them."""

from __future__ import annotations

import pathlib
from typing import Any

from keras_fpt.backend import own_paths
from keras_fpt.trunks import presets
from keras_fpt.trunks.bert import BertTrunk
from keras_fpt.trunks.esm import ESMTrunk
from keras_fpt.trunks.gpt2 import GPT2Trunk
from keras_fpt.trunks.llama import LlamaTrunk
from keras_fpt.trunks.opt import OPTTrunk
from keras_fpt.trunks.options import TrunkOptions
from keras_fpt.trunks.presets import family_of
from keras_fpt.trunks.presets import load_backbone
from keras_fpt.trunks.roberta import DistilBertTrunk
from keras_fpt.trunks.roberta import RobertaTrunk
from keras_fpt.trunks.t5 import T5Trunk
from keras_fpt.trunks.trunk import Trunk
from keras_fpt.trunks.values import expect_finite
from keras_fpt.trunks.vit import DeiTTrunk
from keras_fpt.trunks.vit import ViTTrunk

FAMILIES: list[type[Trunk]] = [
    GPT2Trunk,
    OPTTrunk,
    LlamaTrunk,
    BertTrunk,
    RobertaTrunk,
    DistilBertTrunk,
    T5Trunk,
    ESMTrunk,
    ViTTrunk,
    DeiTTrunk,
]


def add_family(family: type[Trunk]) -> type[Trunk]:
    """Makes a family of your own known; a decorator of its class.

    Args:
        family: subclass of `Trunk`, registered with
            `keras.saving.register_keras_serializable`.

    Returns:
        The class.
    """
    others = [f for f in FAMILIES if f.backbone_name != family.backbone_name]
    FAMILIES[:] = [*others, family]
    return family


def from_backbone(backbone: Any, options: TrunkOptions | None = None) -> Trunk:
    """Opens a backbone as a trunk; the backbone stays the caller's.

    Args:
        backbone: a keras-nlp backbone of a known family.
        options: `TrunkOptions` or `None`. What is to differ. Quantization and
            LoRA wait for `Trunk.adapt`. Defaults to `None`, nothing.

    Returns:
        A `Trunk`.

    Raises:
        ValueError: if no family opens such a backbone.
    """
    family = family_of(type(backbone), FAMILIES)
    trunk = family.from_backbone(backbone, options)
    expect_finite(trunk.weights, f"the {type(backbone).__name__}")
    return trunk


@own_paths()
def from_preset(
    preset: str,
    dropout: float,
    options: TrunkOptions | None = None,
    load_weights: bool = True,
    dtype: Any = None,
) -> Trunk:
    """Loads a preset as a trunk.

    Args:
        preset: string. An embedded preset, a name known to keras-nlp, a
            `hf://` or `kaggle://` address, a local folder or a .gguf file.
        dropout: float. Dropout of embeddings, attention and residuals.
        options: `TrunkOptions` or `None`. As of `from_backbone`.
        load_weights: bool. `False` leaves the weights behind and keeps the
            architecture. Defaults to `True`.
        dtype: string, dtype policy or `None`. Defaults to `None`, Keras' own.
    """
    backbone, overrides = load_backbone(
        preset, FAMILIES, dropout, load_weights, dtype
    )
    trunk = family_of(type(backbone), FAMILIES).from_backbone(
        backbone, options, preset, copy=False, overrides=overrides
    )
    if load_weights:
        expect_finite(trunk.weights, f"the preset {preset!r}")
    else:
        trunk.note_unloaded()
    return trunk


def is_preset(preset: str) -> bool:
    """Whether `from_preset` may find it: no weights are looked up."""
    return presets.is_preset(preset, FAMILIES)


def local_presets(preset: str) -> dict[str, str]:
    """The name of a preset on disk -> its folder or file; else nothing."""
    name = presets.identity(preset)
    path = str(pathlib.Path(preset).expanduser().absolute())
    return {} if name == preset else {name: path}


def hidden_dim_of(preset: str) -> int:
    """The width of a preset, whose weights are not loaded."""
    return from_preset(preset, dropout=0.0, load_weights=False).hidden_dim
