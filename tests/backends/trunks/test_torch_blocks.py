"""Blocks that PyTorch computes: the same values as keras-nlp's."""

import pytest
from helpers.keras_nlp_blocks import check_against_keras_nlp
from helpers.marks import torch_only

import keras_fpt
from keras_fpt.trunks import torch_blocks
from keras_fpt.trunks.gpt2 import GPT2Trunk


@torch_only
@pytest.mark.parametrize("readout", [0, 1])
def test_fused_attention_computes_the_same(readout, monkeypatch):
    monkeypatch.setattr(torch_blocks, "FUSED_FROM", 1)
    check_against_keras_nlp("gpt2", GPT2Trunk, readout)


@torch_only
@pytest.mark.parametrize("mode", [None, "int8"])
def test_it_leaves_quantized_blocks_to_keras_nlp(mode, backbone):
    model = keras_fpt.FrozenPretrainedTransformer(
        backbone, inputs=(7, 3), outputs=2, quantization=mode
    )
    assert all(
        torch_blocks.computes(block) == (mode is None)
        for block in model.trunk.blocks
    )
