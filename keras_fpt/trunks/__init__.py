"""Trunks built from keras-nlp backbones. Only this package imports it."""

from keras_fpt.trunks.bert import BertTrunk
from keras_fpt.trunks.esm import ESMTrunk
from keras_fpt.trunks.fingerprints import values_hash
from keras_fpt.trunks.gpt2 import GPT2Trunk
from keras_fpt.trunks.llama import LlamaTrunk
from keras_fpt.trunks.opt import OPTTrunk
from keras_fpt.trunks.options import TrunkOptions
from keras_fpt.trunks.presets import embedded_presets
from keras_fpt.trunks.presets import identity
from keras_fpt.trunks.registry import FAMILIES
from keras_fpt.trunks.registry import add_family
from keras_fpt.trunks.registry import from_backbone
from keras_fpt.trunks.registry import from_preset
from keras_fpt.trunks.registry import hidden_dim_of
from keras_fpt.trunks.registry import is_preset
from keras_fpt.trunks.registry import local_presets
from keras_fpt.trunks.roberta import DistilBertTrunk
from keras_fpt.trunks.roberta import RobertaTrunk
from keras_fpt.trunks.t5 import T5Trunk
from keras_fpt.trunks.trunk import Trunk
from keras_fpt.trunks.vit import DeiTTrunk
from keras_fpt.trunks.vit import ViTTrunk

__all__ = [
    "FAMILIES",
    "Trunk",
    "TrunkOptions",
    "add_family",
    "embedded_presets",
    "from_backbone",
    "from_preset",
    "hidden_dim_of",
    "identity",
    "is_preset",
    "local_presets",
    "values_hash",
    "GPT2Trunk",
    "OPTTrunk",
    "LlamaTrunk",
    "BertTrunk",
    "RobertaTrunk",
    "DistilBertTrunk",
    "T5Trunk",
    "ESMTrunk",
    "ViTTrunk",
    "DeiTTrunk",
]
