"""The page of rows: every published row is there, and its line builds it."""

import csv
import re

import paper
import pytest
import rows_page
from helpers.backbones import make_backbone_of
from helpers.processes import ROOT

import keras_fpt
from keras_fpt import baselines

PAGE = (ROOT / "docs" / "paper_rows.md").read_text()
LINES = dict(re.findall(r"^\| (\d.*?|Rothermel.*?) \| (.+) \|$", PAGE, re.M))
# The presets of these lines: family, blocks, of as many as the real ones.
PRESETS = {
    "gpt2_base_en": ("gpt2", 12),
    "gpt2_medium_en": ("gpt2", 24),
    "gpt2_large_en": ("gpt2", 36),
    "vit_base_patch16_224_imagenet21k": ("vit", 12),
    "bert_base_en_uncased": ("bert", 12),
    "t5_base_multi": ("t5", 12),
    "bit": ("gpt2", 12),
}
# One row for each way in which rows differ: what it must build.
EXPECTED = {
    "1 FPT on CIFAR-10": ("gpt2", 36, 4, "pretrained"),
    "2 Random": ("gpt2", 12, 4, "random"),
    "2 ViT": ("vit", 12, 4, "pretrained"),
    "9 Statistics Only": ("gpt2", 12, 4, "statistics"),
    "10 Output only": ("gpt2", 12, 1, "pretrained"),
    "11 1 layer, random": ("gpt2", 1, 2, "random"),
    "12 24 layers, random": ("gpt2", 24, 1, "random"),
    "14 + Finetuning Last Attn Layer": ("gpt2", 12, 6, "pretrained"),
    "16 Pretrained, frozen LN": ("gpt2", 12, 3, "pretrained"),
    "17 BERT": ("bert", 12, 4, "pretrained"),
    "17 T5 encoder": ("t5", 12, 3, "pretrained"),  # no table of positions
    "Rothermel 1 Unfrozen Random": ("gpt2", 12, 6, "random"),
}


def named(where):
    """`1 FPT; 3 LSTM` -> `["1 FPT", "3 LSTM"]`."""
    return where.split("; ")


def line_of(name):
    (line,) = (line for where, line in LINES.items() if name in named(where))
    return line.strip("`")


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


def test_the_page_is_fresh():
    written = rows_page.page(paper.TABLES)
    assert written == PAGE, "run `python tables/report.py`"


def test_every_published_row_is_listed(shared):
    listed = {
        re.sub(" on .*", "", name).lower()
        for where in LINES
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
    tables = {name.split()[0] for where in LINES for name in named(where)}
    assert tables == {*map(str, range(1, 23)), "Rothermel"}


def test_keras_nlp_has_these_presets():
    import keras_nlp

    classes = {"gpt2": "GPT2", "vit": "ViT", "bert": "Bert", "t5": "T5"}
    for name, (family, _) in PRESETS.items():
        if name != "bit":
            backbone = f"{classes[family]}Backbone"
            assert name in getattr(keras_nlp.models, backbone).presets


def trained_groups(model):
    counts = model.finetune_summary(print_fn=lambda text: None)
    counts.pop("total")
    return {group for group, count in counts.items() if count["trained"]}


@pytest.mark.parametrize("row", EXPECTED)
def test_a_line_builds_its_row(row, build):
    family, blocks, num_groups, initialization = EXPECTED[row]
    model = build(line_of(row))
    opened = type(model.trunk).backbone_name.removesuffix("Backbone").lower()
    assert (opened, len(model.trunk.blocks)) == (family, blocks)
    assert len(trained_groups(model)) == num_groups
    assert model.initialization == initialization
    if row.endswith("Last Attn Layer"):
        paths = [v.path for v in model.trainable_variables]
        attention = [path for path in paths if "self_attention/" in path]
        assert len(attention) == 8
        assert all("layer_11/" in path for path in attention)


def test_the_line_of_an_lstm_builds_it(build):
    model = build(line_of("3 LSTM*"))
    assert len(model.trunk.blocks) == 12 and model.trunk.residual
    assert model.trunk.num_positions is not None
    assert trained_groups(model) == {
        "input",
        "output",
        "positions",
        "layernorm",
    }
    assert model.trunk.hidden_dim == 768
    block = model.trunk.blocks[0]
    assert (block.layernorm_init, block.initial_state) == ("original", "random")
    assert block.hidden_dropout == 0.1


def test_every_line_is_what_its_row_runs(build):
    """Read back, a line has the arguments of the row's experiment."""

    def recorded(model):
        return lambda *task, **options: (model, options)

    def fpt(preset, task, **options):
        return "fpt", {"preset": preset, **options}

    names = {
        "fpt": fpt,
        "baselines": type(
            "baselines",
            (),
            {
                name: staticmethod(recorded(name))
                for name in ("lstm", "transformer")
            },
        ),
        "task": None,
    }
    read = 0
    for table in paper.TABLES:
        for row in table.rows:
            line = rows_page.line_of(row)
            if line.startswith("`"):
                model, options = eval(line.strip("`"), names)
                assert model == row.model_name
                assert tuple(sorted(options.items())) == row.model_options
                read += 1
    assert read > 60
