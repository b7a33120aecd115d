"""Every family of trunks: equal to Hugging Face's, masked, frozen, saved."""

import re

import keras
import numpy as np
import pytest
from conftest import answers
from conftest import tokens
from conftest import values
from families import FAMILIES
from families import make_backbone_of

import keras_fpt
from keras_fpt import trunks

FPT = keras_fpt.FrozenPretrainedTransformer
numpy = keras.ops.convert_to_numpy
CAUSAL = ("gpt2", "opt", "llama", "llama3")
every_family = pytest.mark.parametrize("family", FAMILIES)


def model_of(family, **arguments):
    arguments = {"inputs": (7, 3), "outputs": 2, "dropout": 0.0, **arguments}
    return FPT(make_backbone_of(family), **arguments)


def compute(trunk, x, mask=None):
    mask = None if mask is None else keras.ops.convert_to_tensor(mask)
    hidden = trunk(keras.ops.convert_to_tensor(x), padding_mask=mask)
    return numpy(hidden)


@every_family
def test_every_variable_has_a_group_and_the_right_ones_train(family):
    model = model_of(family)
    trained = {v.path for v in model.trunk.weights if v.trainable}
    norms = {v.path for v in model.trunk.weights if "norm" in v.path}
    norms |= {v.path for v in model.trunk.weights if "/ln" in v.path}
    positions = {v.path for v in model.trunk.weights if "position" in v.path}
    assert norms and trained == norms | positions
    counts = model.finetune_summary(print_fn=lambda text: None)
    for group in ("attention", "feed_forward"):
        assert counts[group]["total"] > 0
        assert counts[group]["trained"] == 0


@every_family
def test_last_block_can_be_chosen(family):
    model = model_of(family, finetune=("output", "attention[-1]"))
    chosen = {v.path for v in model.trunk.weights if v.trainable}
    last = model.trunk.first_block + 1
    assert chosen and all(f"_{last}/" in path for path in chosen)


@every_family
def test_padding_hides_itself_and_tokens_see_whom_they_should(family):
    trunk = trunks.from_backbone(make_backbone_of(family))
    x = tokens(2, 7, 16)
    mask = np.arange(7) < np.array([[7], [4]])
    other = x.copy()
    other[1, 4:] = tokens(3, 16)
    masked, again = compute(trunk, x, mask), compute(trunk, other, mask)
    np.testing.assert_allclose(again[mask], masked[mask], atol=1e-6)
    # A later token matters to an earlier one, or does not.
    later = x.copy()
    later[:, -1] = tokens(2, 16)
    moved = np.abs(compute(trunk, later) - compute(trunk, x))[:, 0].max()
    assert (moved < 1e-6) == (family in CAUSAL)


@every_family
def test_attention_rows_sum_to_one_and_skip_padding(family):
    model = model_of(family, padding_mask=True, readout="last_real")
    mask = np.arange(7) < np.array([[7], [4]])
    x = {"tokens": tokens(2, 7, 3), "padding_mask": mask}
    for layer in range(2):
        maps = keras_fpt.attention_maps(model, x, layer=layer)
        heads = 2
        assert maps.shape == (2, heads, 7, 7)
        real = maps[1, :, :4]  # rows of real tokens
        np.testing.assert_allclose(real.sum(-1), 1, atol=1e-5)
        np.testing.assert_allclose(real[..., 4:], 0, atol=1e-6)
        upper = np.triu(maps[0], 1)
        assert (np.abs(upper).max() < 1e-6) == (family in CAUSAL)
        assert maps[0].std() > 1e-4


@every_family
def test_frozen_after_fit_and_back_from_a_file(family, tmp_path):
    model = model_of(family, dropout=0.1)
    before = values(model.weights)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
    x, y = tokens(8, 7, 3), np.arange(8) % 2
    model.fit(x, y, epochs=2, verbose=0)
    after = values(model.weights)
    flags = {v.path: v.trainable for v in model.weights}
    for path, trained in flags.items():
        same = (after[path] == before[path]).all()
        assert same == (not trained), path
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert {v.path: v.trainable for v in loaded.weights} == flags
    np.testing.assert_array_equal(answers(loaded, x), answers(model, x))


@every_family
def test_first_blocks_and_random_values(family):
    backbone = make_backbone_of(family)
    theirs = values(backbone.weights)
    model = FPT(backbone, inputs=(7, 3), outputs=2, num_layers=1)
    assert len(model.trunk.blocks) == 1
    second = re.compile(rf"(layer|block)_{model.trunk.first_block + 1}/")
    assert not any(second.search(v.path) for v in model.trunk.weights)
    random = model_of(family, initialization="random", seed=1)
    for path, value in values(random.trunk.weights).items():
        if path.endswith(("kernel", "embeddings")) and path in theirs:
            assert value.shape != theirs[path].shape or (
                (value != theirs[path]).any()
            )
    # Of like size as what the backbone itself starts from.
    fresh = values(make_backbone_of(family, fresh=True).weights)
    for path, value in values(random.trunk.weights).items():
        if path.endswith("kernel"):
            ratio = value.std() / fresh[path].std()
            assert 0.5 < ratio < 2, (path, ratio)
