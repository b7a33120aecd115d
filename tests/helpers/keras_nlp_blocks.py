"""A trunk beside the same one in which keras-nlp applies its own blocks."""

import keras
import numpy as np

import keras_fpt
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone_of
from keras_fpt.trunks.trunk import Trunk

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def by_keras_nlp(trunk_class):
    """The trunk with blocks that keras-nlp applies, to all tokens."""

    class ByKerasNLP(trunk_class):
        block_context = Trunk.block_context
        run_last_block = Trunk.run_last_block

        def run_block(self, block, x, context, training):
            return block(x, decoder_padding_mask=context, training=training)

    return ByKerasNLP


# Read tokens with the tokens that no padding mask hides.
READOUTS = [
    ({"outputs": 3}, None),
    ({"outputs": (2, 3)}, None),
    ({"outputs": 3, "readout": "mean", "padding_mask": True}, "after"),
    ({"outputs": (2, 3), "readout": "last", "padding_mask": True}, "before"),
]


def make_batch(padded):
    x = tokens(4, 7, 3)
    if padded is None:
        return x
    mask = np.arange(7) < np.array([7, 5, 3, 4])[:, None]
    # In front, the first tokens see no token at all.
    mask = mask[:, ::-1] if padded == "before" else mask
    return {"tokens": x, "padding_mask": np.ascontiguousarray(mask)}


def check_against_keras_nlp(name, trunk_class, readout):
    arguments, padded = READOUTS[readout]
    x = make_batch(padded)
    y = np.arange(8).reshape(4, 2) % 3
    y = y if isinstance(arguments["outputs"], tuple) else y[:, 0]
    backbone = make_backbone_of(name)
    models = [
        FPT(
            kind.from_backbone(backbone),
            inputs=(7, 3),
            finetune="full",
            dropout=0.0,
            **arguments,
        )
        for kind in (trunk_class, by_keras_nlp(trunk_class))
    ]
    own, reference = models
    for variable, value in zip(
        reference.weights, values(own.weights).values(), strict=True
    ):
        variable.assign(value)
    np.testing.assert_allclose(
        answers(own, x), answers(reference, x), atol=1e-5
    )
    before = values(own.weights)
    for model in models:  # a step of length one: the gradients
        model.compile(keras.optimizers.SGD(1.0), CROSS_ENTROPY)
        model.train_on_batch(x, y)
    after = values(own.weights)
    moved = 0
    for path, value in values(reference.weights).items():
        np.testing.assert_allclose(after[path], value, atol=1e-5, err_msg=path)
        moved += (value != before[path]).any()
    assert moved > len(before) / 2
