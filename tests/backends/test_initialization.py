"""Where a trunk's values come from: statistics, shuffled blocks, presets."""

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
from keras_fpt.finetuning import group_of

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (7, 3), "outputs": 2, "dropout": 0.0}


@pytest.fixture(params=each("gpt2", "bert", "t5", "vit"))
def family(request):
    return request.param


def wide(family):
    """Large enough for a mean and a deviation to be told."""
    sizes = {"hidden_dim": 64}
    key = "mlp_dim" if family == "vit" else "intermediate_dim"
    return make_backbone_of(family, **sizes, **{key: 96})


def test_statistics_keep_mean_and_deviation_of_every_tensor(family):
    backbone = wide(family)
    pretrained = FPT(backbone, **SIZES)
    drawn = FPT(backbone, **SIZES, initialization="statistics", seed=3)
    before, after = (values(m.trunk.weights) for m in (pretrained, drawn))
    for path, value in before.items():
        if value.std() == 0:  # a table that starts from zeros
            np.testing.assert_array_equal(after[path], value)
            continue
        assert (after[path] != value).any(), path
        spread = value.std()
        error = 5 * spread / np.sqrt(value.size)
        assert abs(after[path].mean() - value.mean()) < error, path
        assert abs(after[path].std() - spread) < error, path
        # Nothing is left of the values themselves.
        correlation = np.corrcoef(after[path].ravel(), value.ravel())[0, 1]
        assert abs(correlation) < 5 / np.sqrt(value.size), path


@once
def test_statistics_of_a_layer_are_shared_by_its_kernels(backbone):
    query = "transformer_layer_1/self_attention/query/kernel"
    value = "transformer_layer_1/self_attention/value/kernel"
    by_path = {v.path: v for v in backbone.weights}
    by_path[query].assign(10.0 * values(backbone.weights)[query])
    drawn = FPT(backbone, **SIZES, initialization="layer_statistics", seed=3)
    after = values(drawn.trunk.weights)
    ratio = after[query].std() / after[value].std()
    assert 0.6 < ratio < 1.7
    before = values(backbone.weights)
    kernels = [p for p in before if "layer_1/self_attention/" in p]
    kernels = [p for p in kernels if p.endswith("kernel")]
    pooled = np.concatenate([before[p].ravel() for p in kernels])
    drawn = np.concatenate([after[p].ravel() for p in kernels])
    assert abs(drawn.std() / pooled.std() - 1) < 0.15
    # Gains are near one and shifts near zero: they are no kernels.
    assert abs(after["layer_norm/gamma"].mean() - 1) < 0.3


@once
def test_shuffled_blocks_are_the_same_blocks_elsewhere():
    backbone = make_backbone_of("gpt2", num_layers=5)
    plain, mixed = (
        values(
            FPT(backbone, **SIZES, initialization=name, seed=1).trunk.weights
        )
        for name in ("pretrained", "shuffled_blocks")
    )
    place = "transformer_layer_{}/self_attention/query/kernel"
    order = [
        next(
            source
            for source in range(5)
            if (mixed[place.format(n)] == plain[place.format(source)]).all()
        )
        for n in range(5)
    ]
    assert sorted(order) == list(range(5)) != order
    for path, value in mixed.items():
        source = path
        if path.startswith("transformer_layer_"):
            number = int(path[18])
            source = f"{path[:18]}{order[number]}{path[19:]}"
        np.testing.assert_array_equal(value, plain[source])


@once
@pytest.mark.parametrize("name", ["t5", "vit"])
def test_blocks_of_other_families_are_shuffled_too(name):
    backbone = make_backbone_of(name, num_layers=4)
    plain, mixed = (
        FPT(backbone, **SIZES, initialization=initialization, seed=0)
        for initialization in ("pretrained", "shuffled_blocks")
    )
    before, after = values(plain.trunk.weights), values(mixed.trunk.weights)
    moved = [path for path in before if (before[path] != after[path]).any()]
    assert moved and all("_layer_" in p or "_block_" in p for p in moved)
    total = sum(value.sum() for value in before.values())
    np.testing.assert_allclose(
        sum(value.sum() for value in after.values()), total, rtol=1e-4
    )


@pytest.mark.parametrize(
    "initialization",
    each("statistics", "layer_statistics", "shuffled_blocks"),
)
def test_drawn_trunks_follow_their_seed_and_come_back(initialization, tmp_path):
    backbone = make_backbone_of("gpt2", num_layers=4)
    arguments = {**SIZES, "initialization": initialization}
    first = FPT(backbone, **arguments, seed=5)
    again = FPT(backbone, **arguments, seed=5)
    other = FPT(backbone, **arguments, seed=6)
    one, two, three = (values(m.trunk.weights) for m in (first, again, other))
    assert all((one[path] == two[path]).all() for path in one)
    assert any((one[path] != three[path]).any() for path in one)
    check_survives(first, tmp_path / "model.keras")


@once
def test_a_trained_file_finds_its_drawn_trunk_again(backbone, tmp_path):
    backbone.save_to_preset(str(tmp_path / "preset"))
    model = FPT.from_preset(
        str(tmp_path / "preset"), **SIZES, initialization="statistics", seed=2
    )
    model.save_trained(tmp_path / "trained.safetensors")
    again = FPT.from_trained(tmp_path / "trained.safetensors")
    x = tokens(3, 7, 3)
    np.testing.assert_array_equal(answers(again, x), answers(model, x))


class TestGroups:
    NAMES = ("positions", "layernorm", "attention", "feed_forward")

    def groups(self, model):
        """Values of each group of a trunk, by path."""
        found = {name: {} for name in self.NAMES}
        for path, value in values(model.trunk.weights).items():
            rules = model.trunk.finetune_rules
            found[group_of(path, rules).name][path] = value
        return found

    @pytest.mark.parametrize("name", each("gpt2", "t5", "vit"))
    def test_groups_that_are_not_named_are_pretrained(self, name):
        backbone = make_backbone_of(name)
        chosen = {"attention": "pretrained", "feed_forward": "random"}
        mixed, pretrained, random = (
            self.groups(FPT(backbone, **SIZES, initialization=each, seed=1))
            for each in (chosen, "pretrained", "random")
        )
        for group, own in mixed.items():
            other = random if group == "feed_forward" else pretrained
            for path, value in own.items():
                np.testing.assert_array_equal(value, other[group][path])
        path = next(p for p in mixed["feed_forward"] if p.endswith("kernel"))
        kernels = [g["feed_forward"][path] for g in (mixed, pretrained)]
        assert (kernels[0] != kernels[1]).all()

    @once
    def test_statistics_and_shuffled_blocks_of_a_group(self):
        backbone = make_backbone_of("gpt2", num_layers=5, hidden_dim=64)
        chosen = {
            "attention": "shuffled_blocks",
            "feed_forward": "layer_statistics",
            "positions": "statistics",
        }
        mixed, whole, before = (
            self.groups(FPT(backbone, **SIZES, initialization=each, seed=1))
            for each in (chosen, "shuffled_blocks", "pretrained")
        )
        for path, value in mixed["attention"].items():
            np.testing.assert_array_equal(value, whole["attention"][path])
        for path, value in mixed["layernorm"].items():
            np.testing.assert_array_equal(value, before["layernorm"][path])
        for group in ("feed_forward", "positions"):
            for path, value in mixed[group].items():
                assert (value != before[group][path]).any(), path
                if path.endswith(("kernel", "embeddings")):
                    ratio = value.std() / before[group][path].std()
                    assert 0.8 < ratio < 1.25, path

    def test_it_comes_back_from_its_files(self, backbone, tmp_path):
        preset = str(tmp_path / "preset")
        backbone.save_to_preset(preset)
        chosen = {"attention": "random"}
        model = FPT.from_preset(preset, **SIZES, initialization=chosen, seed=2)
        check_survives(model, tmp_path / "model.keras")
        model.save_trained(tmp_path / "trained.safetensors")
        again = FPT.from_trained(tmp_path / "trained.safetensors")
        x = tokens(3, 7, 3)
        np.testing.assert_array_equal(answers(again, x), answers(model, x))
        assert again.initialization == chosen
        other = FPT.from_preset(preset, **SIZES)
        with pytest.raises(ValueError, match="attention random with seed 2"):
            other.load_trained(tmp_path / "trained.safetensors")

    @once
    @pytest.mark.parametrize(
        ("name", "initialization", "message"),
        [
            ("gpt2", {}, "names groups.*{}"),
            ("gpt2", {"input": "random"}, "names groups.*'positions'"),
            ("gpt2", {"attention": "xavier"}, "one of.*'attention': 'xavier'"),
            ("gpt2", {"attention": None}, "'attention': None"),
            ("gpt2", ["random"], r"one of.*\['random'\]"),
            ("gpt2", {"positions": "shuffled_blocks"}, "no blocks to shuffle"),
            ("llama", {"positions": "random"}, "no group 'positions'"),
        ],
    )
    def test_refusals(self, name, initialization, message):
        with pytest.raises(ValueError, match=message):
            FPT(make_backbone_of(name), **SIZES, initialization=initialization)


def new_values(model):
    """The bias of the input layer and the added positions."""
    named = values(model.weights)
    paths = ("input_projection/bias", "position_embedding/embeddings")
    return [named[path] for path in paths]


@pytest.mark.parametrize("name", each("llama", "t5", "esm"))
def test_new_tokens_have_the_size_of_words(name, tmp_path):
    backbone = make_backbone_of(name, hidden_dim=64)
    table = backbone.token_embedding.embeddings
    table.assign(3 * values([table])[table.path])
    std = values([table])[table.path].std()
    arguments = {**SIZES, "positions": "learned", "num_positions": 50}
    model = FPT(backbone, **arguments, seed=5)
    bias, positions = new_values(model)
    assert abs(bias.std() / std - 1) < 0.3  # 64 numbers
    assert abs(positions.std() / std - 1) < 0.1
    # From the seed alone, whatever the trunk's values are.
    for other, alike in (
        (FPT(backbone, **arguments, seed=5), True),
        (FPT(backbone, **arguments, seed=6), False),
        (FPT(backbone, **arguments), False),
    ):
        pairs = zip(new_values(model), new_values(other), strict=True)
        assert all(np.array_equal(*pair) == alike for pair in pairs)
    # A random trunk's words have the size that its scheme gives them.
    drawn = FPT(backbone, **arguments, initialization="random", seed=5)
    scheme = drawn.trunk.initial_token_std
    for ours, theirs in zip(new_values(model), new_values(drawn), strict=True):
        np.testing.assert_allclose(theirs / scheme, ours / std, rtol=1e-4)
    twin = model.sibling()
    np.testing.assert_array_equal(new_values(twin)[1], positions)
    assert abs(new_values(twin)[0].std() / std - 1) < 0.3
    check_survives(model, tmp_path / "model.keras")


@once
def test_frozen_new_positions_come_back_from_a_trained_file(tmp_path):
    backbone = make_backbone_of("llama")
    backbone.save_to_preset(str(tmp_path / "preset"))
    model = FPT.from_preset(
        str(tmp_path / "preset"),
        **SIZES,
        positions="learned",
        finetune=("input", "output"),
    )
    model.save_trained(tmp_path / "trained.safetensors")
    again = FPT.from_trained(tmp_path / "trained.safetensors")
    x = tokens(3, 7, 3)
    np.testing.assert_array_equal(answers(again, x), answers(model, x))


@pytest.mark.parametrize("name", each("gpt2", "bert", "opt", "vit", "deit"))
def test_others_start_from_the_papers_zeros(name):
    model = FPT(make_backbone_of(name), **SIZES)
    assert not values(model.weights)["input_projection/bias"].any()
    assert model.trunk.token_std is None and model.seed is None


@once
@pytest.mark.parametrize("name", ["vit", "deit"])
def test_biases_of_zeros_lift_no_token(name):
    drawn = FPT(make_backbone_of(name), **SIZES, initialization="random")
    fresh = FPT(make_backbone_of(name, fresh=True), **SIZES)
    for model in (drawn, fresh):
        for value in new_values(model):
            assert 0.01 < value.std() < 0.03  # as of ViT's own tokens


# The position tables of ViT and DeiT are new: see below.
@pytest.mark.parametrize(
    "name", each(*(name for name in FAMILIES if name not in ("vit", "deit")))
)
def test_trunk_is_saved_as_a_preset(name, tmp_path):
    model = FPT(make_backbone_of(name), **SIZES, finetune="full")
    model.save_trunk(tmp_path / "preset")
    loaded = FPT.from_preset(str(tmp_path / "preset"), **SIZES)
    for path, value in values(model.trunk.weights).items():
        theirs = values(loaded.trunk.weights)[path]
        np.testing.assert_allclose(theirs, value, atol=1e-7)


@once
def test_trunk_with_more_than_keras_nlp_knows_is_not_saved(tmp_path):
    model = FPT(make_backbone_of("vit"), **SIZES)
    with pytest.raises(ValueError, match="ViTBackbone has no place.*position"):
        model.save_trunk(tmp_path / "preset")
    model = FPT(make_backbone_of("gpt2"), **SIZES, lora_rank=2)
    with pytest.raises(ValueError, match="no place for LoRA"):
        model.save_trunk(tmp_path / "preset")
