"""What must hold of every family of trunks: a test file derives from these.

A family's file is named for its module and gives `FAMILIES`, names in
`helpers.backbones.FAMILIES`, or `CASES` and `PUBLISHED` of Hugging Face.
"""

import re

import keras
import numpy as np
import pytest

import keras_fpt
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import make_backbone_of
from helpers.checks import check_model
from helpers.marks import each
from helpers.marks import once
from keras_fpt import trunks

FPT = keras_fpt.FrozenPretrainedTransformer
numpy = keras.ops.convert_to_numpy
CAUSAL = ("gpt2", "opt", "llama", "llama3")


def model_of(family, **arguments):
    arguments = {"inputs": (7, 3), "outputs": 2, "dropout": 0.0, **arguments}
    return FPT(make_backbone_of(family), **arguments)


def compute(trunk, x, mask=None):
    mask = None if mask is None else keras.ops.convert_to_tensor(mask)
    hidden = trunk(keras.ops.convert_to_tensor(x), padding_mask=mask)
    return numpy(hidden)


class TrunkTests:
    """Groups, padding, attention, freeze, file, first blocks."""

    FAMILIES = ()

    def pytest_generate_tests(self, metafunc):
        metafunc.parametrize("family", self.FAMILIES)

    def test_every_variable_has_a_group_and_the_right_ones_train(self, family):
        model = model_of(family)
        trained = {v.path for v in model.trunk.weights if v.trainable}
        norms = {v.path for v in model.trunk.weights if "norm" in v.path}
        norms |= {v.path for v in model.trunk.weights if "/ln" in v.path}
        positions = {
            v.path for v in model.trunk.weights if "position" in v.path
        }
        assert norms and trained == norms | positions
        counts = model.finetune_summary(print_fn=lambda text: None)
        for group in ("attention", "feed_forward"):
            assert counts[group]["total"] > 0
            assert counts[group]["trained"] == 0

    def test_last_block_can_be_chosen(self, family):
        model = model_of(family, finetune=("output", "attention[-1]"))
        chosen = {v.path for v in model.trunk.weights if v.trainable}
        last = model.trunk.first_block + 1
        assert chosen and all(f"_{last}/" in path for path in chosen)

    def test_padding_hides_itself_and_tokens_see_whom_they_should(self, family):
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

    def test_attention_rows_sum_to_one_and_skip_padding(self, family):
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

    def test_frozen_after_fit_and_back_from_a_file(self, family, tmp_path):
        # Without dropout: a few steps show that the loss falls.
        model = model_of(family)
        x, y = tokens(8, 7, 3), np.arange(8) % 2
        check_model(model, x, y, tmp_path / "model.keras")

    def test_first_blocks_and_random_values(self, family):
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


class HuggingFaceTests:
    """Equal to Hugging Face's model, whole and with padding."""

    CASES = {}  # name -> class of transformers, its configuration

    def pytest_generate_tests(self, metafunc):
        if "pair" in metafunc.fixturenames:
            # Further cases of a family are other options of one code.
            metafunc.parametrize("pair", each(*self.CASES), indirect=True)

    @pytest.fixture(scope="class")
    def pair(self, request, tmp_path_factory):
        from helpers.huggingface import make_pair

        folder = tmp_path_factory.mktemp("model")
        return make_pair(*self.CASES[request.param], folder)

    def test_hidden_vectors_are_equal(self, pair):
        from helpers import huggingface as hf

        model, trunk = pair
        tokens = hf.random_tokens(trunk)
        hidden, _ = hf.expected(model, tokens)
        hf.assert_equal(trunk(keras.ops.convert_to_tensor(tokens)), hidden)

    def test_padded_hidden_vectors_and_attention_are_equal(self, pair):
        from helpers import huggingface as hf

        model, trunk = pair
        tokens = hf.random_tokens(trunk)
        hidden, attentions = hf.expected(model, tokens, hf.MASK)
        tokens = keras.ops.convert_to_tensor(tokens)
        mask = keras.ops.convert_to_tensor(hf.MASK)
        computed = numpy(trunk(tokens, padding_mask=mask))
        hf.assert_equal(computed[hf.MASK], hidden[hf.MASK])
        for layer, theirs in enumerate(attentions):
            maps = numpy(trunk.attention_scores(tokens, layer, mask))
            real = np.broadcast_to(hf.MASK[:, None], maps.shape[:3])
            hf.assert_equal(maps[real], theirs[real])


class PublishedTests(HuggingFaceTests):
    """Of published weights, too, where the data folder has them."""

    PUBLISHED = ()  # a folder, its class of transformers

    @once
    def test_published_weights_give_equal_results(self, shared):
        from helpers import huggingface as hf

        name, class_name = self.PUBLISHED
        folder = str(shared / "weights" / name)
        model_class = getattr(hf.transformers, class_name)
        model = model_class.from_pretrained(folder, dtype=hf.torch.float32)
        model.eval().set_attn_implementation("eager")
        trunk = trunks.from_preset(folder, dropout=0.0)
        tokens = hf.random_tokens(trunk, num_tokens=50)
        hidden, attentions = hf.expected(model, tokens)
        tokens = keras.ops.convert_to_tensor(tokens)
        hf.assert_equal(trunk(tokens), hidden, atol=1e-4)
        last = len(attentions) - 1
        maps = trunk.attention_scores(tokens, last)
        hf.assert_equal(maps, attentions[-1])
