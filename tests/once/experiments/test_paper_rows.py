"""Every row of the paper's tables is in the README, and its line builds it."""

import csv
import re

import pytest
from helpers.backbones import make_backbone_of
from helpers.processes import ROOT

import keras_fpt
from keras_fpt import baselines
from keras_fpt.baselines.lstm import LSTMStack

README = (ROOT / "README.md").read_text()
SECTION = re.search(
    r"^## Every row of the paper\n(.*?)^## ", README, re.M | re.S
)
ROWS = re.findall(r"^\| (?!tables|---)(.+?) \| (.+) \|$", SECTION[1], re.M)
NO_LINE = (
    "not described",
    "quoted by the paper from elsewhere",
    "no keras-nlp backbone",
    "steps of Random over steps of FPT",
    "sizes of architectures; no models of its own",
)
# The presets of these lines: family, blocks, of as many as the real ones.
PRESETS = {
    "gpt2_base_en": ("gpt2", 12),
    "gpt2_medium_en": ("gpt2", 24),
    "gpt2_large_en": ("gpt2", 36),
    "vit_base_patch16_224_imagenet21k": ("vit", 12),
    "bert_base_en_uncased": ("bert", 12),
    "t5_base_multi": ("t5", 12),
    "results/pretrain_on_bits/preset": ("gpt2", 12),
}
FPT_GROUPS = {"input", "output", "positions", "layernorm"}
ALL_GROUPS = FPT_GROUPS | {"attention", "feed_forward"}
RANDOM, STATISTICS = "random", "statistics"
# What each line must build, said a second time: family, blocks, what trains,
# and how the trunk begins if not pretrained.
EXPECTED = {
    "1 FPT": ("gpt2", 12, FPT_GROUPS),
    "1 FPT on CIFAR-10": ("gpt2", 36, FPT_GROUPS),
    "1 Full on Bit Memory and Bit XOR": ("gpt2", 12, ALL_GROUPS, RANDOM),
    "1 Full on CIFAR-10": ("gpt2", 3, ALL_GROUPS, RANDOM),
    "2 Random": ("gpt2", 12, FPT_GROUPS, RANDOM),
    "2 Bit": ("gpt2", 12, FPT_GROUPS),
    "2 ViT": ("vit", 12, FPT_GROUPS),
    "8 FPT medium (24 layers)": ("gpt2", 24, FPT_GROUPS),
    "8 Random medium (24 layers)": ("gpt2", 24, FPT_GROUPS, RANDOM),
    "8 Random large (36 layers)": ("gpt2", 36, FPT_GROUPS, RANDOM),
    "9 Statistics Only": ("gpt2", 12, FPT_GROUPS, STATISTICS),
    "10 output only": ("gpt2", 12, {"output"}),
    "11 1 layer, pretrained": ("gpt2", 1, {"output", "layernorm"}),
    "11 1 layer, random": ("gpt2", 1, {"output", "layernorm"}, RANDOM),
    "11 2 layers, pretrained": ("gpt2", 2, {"output", "layernorm"}),
    "11 2 layers, random": ("gpt2", 2, {"output", "layernorm"}, RANDOM),
    "11 6 layers, pretrained": ("gpt2", 6, {"output", "layernorm"}),
    "11 6 layers, random": ("gpt2", 6, {"output", "layernorm"}, RANDOM),
    "12 1 layers, pretrained": ("gpt2", 1, {"output"}),
    "12 3 layers, pretrained": ("gpt2", 3, {"output"}),
    "12 6 layers, pretrained": ("gpt2", 6, {"output"}),
    "12 12 layers, random": ("gpt2", 12, {"output"}, RANDOM),
    "12 24 layers, random": ("gpt2", 24, {"output"}, RANDOM),
    "13 + Feedforward": ("gpt2", 12, FPT_GROUPS | {"feed_forward"}),
    "13 + Attention": ("gpt2", 12, FPT_GROUPS | {"attention"}),
    "13 + Both": ("gpt2", 12, ALL_GROUPS),
    "14 + Finetuning Last Attn Layer": ("gpt2", 12, ALL_GROUPS),
    "15 + layernorm": ("gpt2", 12, {"output", "layernorm"}),
    "15 + input": ("gpt2", 12, FPT_GROUPS - {"positions"}),
    "16 Pretrained, frozen LN": ("gpt2", 12, FPT_GROUPS - {"layernorm"}),
    "16 Random, frozen LN": ("gpt2", 12, FPT_GROUPS - {"layernorm"}, RANDOM),
    "17 BERT": ("bert", 12, FPT_GROUPS),
    "17 T5 encoder": ("t5", 12, FPT_GROUPS),
    "18 output + input": ("gpt2", 12, {"output", "input"}),
    "18 output + positions": ("gpt2", 12, {"output", "positions"}),
    "20 output + input": ("gpt2", 12, {"output", "input"}, RANDOM),
    "20 output + positions": ("gpt2", 12, {"output", "positions"}, RANDOM),
    "20 output + layernorm": ("gpt2", 12, {"output", "layernorm"}, RANDOM),
    "21 + input": ("gpt2", 12, FPT_GROUPS - {"positions"}, RANDOM),
    "Rothermel 1 Unfrozen Pretrained": ("gpt2", 12, ALL_GROUPS),
    "Rothermel 1 Unfrozen Random": ("gpt2", 12, ALL_GROUPS, RANDOM),
}
# Of the LSTMs: layers, residual connections, positions, what trains.
LSTMS = {
    "1 LSTM": (3, False, False, {"input", "output", "layernorm", "recurrent"}),
    "3 LSTM": (3, False, False, {"input", "output", "layernorm"}),
    "4 12": (12, False, False, {"input", "output", "layernorm"}),
    "5 + Residual Connections": (
        12,
        True,
        False,
        {"input", "output", "layernorm"},
    ),
    "3 LSTM*": (12, True, True, FPT_GROUPS),
}


def named(where):
    """`1, 2 FPT; 3 LSTM` -> `["1 FPT", "2 FPT", "3 LSTM"]`."""
    names = []
    for part in where.split("; "):
        tables, name = re.match(
            r"((?:\d+, )*\d+|Rothermel 1) ?(.*)", part
        ).groups()
        names += [f"{table} {name}".strip() for table in tables.split(", ")]
    return names


LINES = {
    named(where)[0]: code[1:-1] for where, code in ROWS if code.startswith("`")
}


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """A folder in which the names of these presets are tiny trunks."""
    folder = tmp_path_factory.mktemp("presets")
    for name, (family, blocks) in PRESETS.items():
        backbone = make_backbone_of(family, num_layers=blocks)
        backbone.save_to_preset(str(folder / name))
    return folder


@pytest.fixture
def build(presets, monkeypatch):
    monkeypatch.chdir(presets)
    names = {
        "fpt": keras_fpt.FrozenPretrainedTransformer.from_preset,
        "baselines": baselines,
        "task": keras_fpt.tasks.get("bit_xor"),
    }
    return lambda line: eval(line, names)


def test_every_line_has_its_expectation():
    assert set(LINES) == {*EXPECTED, *LSTMS}
    for where, code in ROWS:
        if not code.startswith("`"):
            assert code.startswith(NO_LINE), where


def test_every_published_row_is_listed(shared):
    listed = {
        re.sub(" on .*", "", name).lower()
        for where, _ in ROWS
        for name in named(where)
    }
    with (shared / "paper" / "published.csv").open() as file:
        published = {
            f"{row['table'].replace('_', ' ')} {row['row']}".lower()
            for row in csv.DictReader(file)
        }
    assert len(published) > 60
    assert published <= listed, published - listed


def test_every_table_is_listed():
    tables = {name.split()[0] for where, _ in ROWS for name in named(where)}
    assert tables == {*map(str, range(1, 23)), "Rothermel"}


def test_keras_nlp_has_these_presets():
    import keras_nlp

    for name, (family, _) in PRESETS.items():
        if "/" not in name:
            classes = {"gpt2": "GPT2", "vit": "ViT", "bert": "Bert", "t5": "T5"}
            backbone = f"{classes[family]}Backbone"
            assert name in getattr(keras_nlp.models, backbone).presets


def trained_groups(model):
    counts = model.finetune_summary(print_fn=lambda text: None)
    counts.pop("total")
    return {group for group, count in counts.items() if count["trained"]}


@pytest.mark.parametrize("row", EXPECTED)
def test_line_builds_its_row(row, build):
    family, blocks, groups, *begin = EXPECTED[row]
    model = build(LINES[row])
    opened = type(model.trunk).backbone_name.removesuffix("Backbone").lower()
    assert (opened, len(model.trunk.blocks)) == (family, blocks)
    # T5 has no table of positions.
    assert trained_groups(model) == groups - (
        {"positions"} if family == "t5" else set()
    )
    assert model.initialization == (begin[0] if begin else "pretrained")
    if row.endswith("Last Attn Layer"):
        paths = [v.path for v in model.trainable_variables]
        attention = [path for path in paths if "self_attention/" in path]
        assert len(attention) == 8
        assert all("layer_11/" in path for path in attention)


@pytest.mark.parametrize("row", LSTMS)
def test_line_builds_its_lstm(row, build):
    layers, residual, positions, groups = LSTMS[row]
    model = build(LINES[row])
    assert isinstance(model.trunk, LSTMStack)
    assert (len(model.trunk.blocks), model.trunk.residual) == (layers, residual)
    assert (model.trunk.num_positions is not None) == positions
    assert trained_groups(model) == groups
    assert model.trunk.hidden_dim == 768
