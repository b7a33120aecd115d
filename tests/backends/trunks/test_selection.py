"""Blocks by number: which are kept, in which order, and refusals."""

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import FAMILIES
from helpers.backbones import make_backbone_of
from helpers.checks import check_survives
from helpers.marks import each
from helpers.marks import once

import keras_fpt
from keras_fpt import trunks

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (7, 3), "outputs": 2, "dropout": 0.0}


@pytest.mark.parametrize("name", each(*FAMILIES))
def test_a_trunk_computes_with_the_chosen_blocks(name):
    backbone = make_backbone_of(name, num_layers=4)
    options = trunks.TrunkOptions(num_layers=[-1, 1])
    part = trunks.from_backbone(backbone, options)
    whole = trunks.from_backbone(backbone)
    hidden = keras.ops.convert_to_tensor(tokens(3, 7, 16))
    x = whole.embed_positions(hidden)
    # T5's worths of distances are the first block's, whichever are kept.
    context = whole.block_context(x, None)
    for number in (3, 1):
        x = whole.run_block(whole.blocks[number], x, context, False)
    expected = keras.ops.convert_to_numpy(whole.final(x))
    assert len(part.blocks) == 2
    np.testing.assert_allclose(answers(part, hidden), expected, atol=1e-5)


def test_it_comes_back_from_its_files(tmp_path):
    preset = str(tmp_path / "preset")
    make_backbone_of("gpt2", num_layers=4).save_to_preset(preset)
    model = FPT.from_preset(preset, **SIZES, num_layers=range(2, 4))
    check_survives(model, tmp_path / "model.keras", tokens(3, 7, 3))
    model.save_trained(tmp_path / "trained.safetensors")
    again = FPT.from_trained(tmp_path / "trained.safetensors")
    x = tokens(3, 7, 3)
    np.testing.assert_array_equal(answers(again, x), answers(model, x))
    twin = model.sibling(dropout=0.0)
    assert (
        values(twin.trunk.weights).keys() == values(again.trunk.weights).keys()
    )
    assert model.trunk.describe() == f"blocks [2, 3] of {preset}"
    first = FPT.from_preset(preset, **SIZES, num_layers=2)
    with pytest.raises(ValueError, match=r"blocks \[2, 3\].*has 2 blocks of"):
        first.load_trained(tmp_path / "trained.safetensors")


@once
def test_the_first_blocks_by_number_are_those_by_count():
    backbone = make_backbone_of("gpt2", num_layers=3)
    by_count, by_number = (
        FPT(backbone, **SIZES, num_layers=kept).trunk for kept in (2, (0, 1))
    )
    ours, theirs = values(by_number.weights), values(by_count.weights)
    for path, value in theirs.items():
        np.testing.assert_array_equal(ours[path], value)


@once
@pytest.mark.parametrize(
    ("num_layers", "message"),
    [
        ([], "empty one"),
        ([2], r"-2\.\.1.*\[2\]"),
        ([-3], r"-2\.\.1.*\[-3\]"),
        ([0, -2], r"one twice: num_layers=\[0, -2\]"),
        ([0.5], r"numbers of blocks.*\[0\.5\]"),
        ([True], "numbers of blocks"),
        ("1", "num_layers='1'"),
        ({0: 1}, "num_layers={0: 1}"),
        (3, r"1\.\.2.*num_layers=3"),
    ],
)
def test_what_names_no_blocks_is_refused(num_layers, message):
    with pytest.raises(ValueError, match=message):
        FPT(make_backbone_of("gpt2"), **SIZES, num_layers=num_layers)
