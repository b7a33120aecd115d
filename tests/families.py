"""Tiny backbones of every family, for the tests."""

import numpy as np

SIZES = {
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "intermediate_dim": 24,
}
_TEXT = {**SIZES, "vocabulary_size": 11, "dropout": 0.0}
_TABLE = {**_TEXT, "max_sequence_length": 12}
_LLAMA = {
    **{k: v for k, v in _TEXT.items() if k != "num_heads"},
    "num_query_heads": 2,
    "num_key_value_heads": 1,
}
_IMAGE = {
    "image_shape": (8, 8, 3),
    "patch_size": 4,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
}
# Name of a family -> keras-nlp's class and arguments.
FAMILIES = {
    "gpt2": ("GPT2Backbone", _TABLE),
    "opt": ("OPTBackbone", _TABLE),
    "llama": ("LlamaBackbone", _LLAMA),
    "llama3": ("Llama3Backbone", _LLAMA),
    "bert": ("BertBackbone", _TABLE),
    "roberta": ("RobertaBackbone", _TABLE),
    "distilbert": ("DistilBertBackbone", _TABLE),
    "t5": ("T5Backbone", _TEXT),
    "esm": ("ESMBackbone", _TEXT),
    "vit": ("ViTBackbone", {**_IMAGE, "mlp_dim": 24}),
    "deit": ("DeiTBackbone", {**_IMAGE, "intermediate_dim": 24}),
}


def make_backbone_of(family, fresh=False, **sizes):
    """A tiny backbone with random values, norms and biases too."""
    import keras_nlp

    name, arguments = FAMILIES[family]
    backbone = getattr(keras_nlp.models, name)(**{**arguments, **sizes})
    rng = np.random.default_rng(0)
    for weight in () if fresh else backbone.weights:
        weight.assign(weight + 0.1 * rng.standard_normal(weight.shape))
    return backbone
