"""Tiny backbones with random values: a GPT-2, and one of every family."""

import keras
import numpy as np

# A tiny GPT-2: its sizes differ from one another, so that no two get mixed up.
TINY = {
    "vocabulary_size": 30,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "intermediate_dim": 24,
    "max_sequence_length": 32,
}
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


def make_backbone(**sizes):
    """A tiny GPT-2 with random values, norms and biases too."""
    import keras_nlp

    arguments = {**TINY, "dropout": 0.0, **sizes}
    return moved(keras_nlp.models.GPT2Backbone(**arguments))


def make_backbone_of(family, fresh=False, **sizes):
    """A tiny backbone of a family, its values as drawn or moved from there."""
    import keras_nlp

    name, arguments = FAMILIES[family]
    backbone = getattr(keras_nlp.models, name)(**{**arguments, **sizes})
    return backbone if fresh else moved(backbone)


def moved(backbone):
    """Every value a little elsewhere: norms and biases are no ones and zeros.

    In NumPy, because JAX would compile an addition for every shape.
    """
    rng = np.random.default_rng(0)
    for weight in backbone.weights:
        start = keras.ops.convert_to_numpy(weight.value)
        weight.assign(start + 0.1 * rng.standard_normal(weight.shape))
    return backbone
