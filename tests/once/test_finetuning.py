"""What is trained: selections, rules, counts."""

import keras
import numpy as np
import pytest
from helpers.backbones import make_backbone

import keras_fpt
from keras_fpt import finetuning

FPT = keras_fpt.FrozenPretrainedTransformer


def trained_paths(model):
    return {weight.path for weight in model.trainable_weights}


def tiny(finetune, **arguments):
    arguments = {"inputs": (6, 3), "outputs": 4, **arguments}
    return FPT(make_backbone(num_layers=3), finetune=finetune, **arguments)


def test_default_is_the_papers_four_groups():
    paths = trained_paths(tiny("fpt"))
    assert paths == {
        "input_projection/kernel",
        "input_projection/bias",
        "position_embedding/embeddings",
        *(
            f"transformer_layer_{block}/{norm}_layer_norm/{weight}"
            for block in range(3)
            for norm in ("self_attention", "feedforward")
            for weight in ("gamma", "beta")
        ),
        "layer_norm/gamma",
        "layer_norm/beta",
        "head/kernel",
        "head/bias",
    }


def test_presets_name_groups():
    assert trained_paths(tiny("output_only")) == {"head/kernel", "head/bias"}
    full = tiny("full")
    assert len(full.trainable_weights) == len(full.weights)
    groups = ("input", "output", "positions", "layernorm")
    assert trained_paths(tiny(groups)) == trained_paths(tiny("fpt"))


@pytest.mark.parametrize(
    "selection, blocks",
    [
        ("attention[-1]", {2}),
        ("attention[0]", {0}),
        ("attention[0:2]", {0, 1}),
        ("attention[1:]", {1, 2}),
        ("attention[:-1]", {0, 1}),
        ("attention", {0, 1, 2}),
    ],
)
def test_blocks_of_a_group(selection, blocks):
    more = trained_paths(tiny(("fpt", selection))) - trained_paths(tiny("fpt"))
    assert more == {
        f"transformer_layer_{block}/self_attention/{layer}/{weight}"
        for block in blocks
        for layer in ("query", "key", "value", "attention_output")
        for weight in ("kernel", "bias")
    }


def test_selections_of_one_group_add_up():
    one = tiny(("attention[0]", "attention[2]"))
    assert trained_paths(one) == trained_paths(tiny("attention")) - (
        trained_paths(tiny("attention[1]"))
    )
    whole = tiny(("attention[0]", "attention"))
    assert trained_paths(whole) == trained_paths(tiny("attention"))
    after = tiny(("attention", "attention[0]"))
    assert trained_paths(after) == trained_paths(tiny("attention"))


def test_norms_of_a_block_leave_the_final_norm_out():
    paths = trained_paths(tiny("layernorm[0]"))
    assert len(paths) == 4
    assert all(path.startswith("transformer_layer_0/") for path in paths)


def test_rules_read_as_data_before_they_act():
    rules = tiny(("output", "attention[-1]")).finetune_rules
    fate = {
        path: finetuning.group_of(path, rules)
        for path in (
            "transformer_layer_2/self_attention/query/kernel",
            "transformer_layer_1/self_attention/query/kernel",
            "layer_norm/gamma",
            "head/bias",
        )
    }
    assert list(fate.values()) == [
        ("attention", 2, True),
        ("attention", 1, False),
        ("layernorm", None, False),
        ("output", None, True),
    ]


@pytest.mark.parametrize("name", ["atention", "attention[a]", "", 3, "fpt[0]"])
def test_unknown_selection_is_refused_with_the_known(name):
    with pytest.raises(ValueError, match="input, positions, .*output_only"):
        tiny(("output", name))


@pytest.mark.parametrize(
    "name", ["attention[3]", "attention[5:]", "layernorm[-4]"]
)
def test_block_that_is_not_there_is_refused(name):
    with pytest.raises(ValueError, match=r"no block .*0\.\.2"):
        tiny(name)


@pytest.mark.parametrize("name", ["positions[0]", "input[0]", "output[-1]"])
def test_group_without_blocks_is_refused(name):
    with pytest.raises(ValueError, match="has no blocks"):
        tiny(name)


def test_variable_without_a_rule_is_an_error():
    model = tiny("fpt")
    with pytest.raises(ValueError, match="layer_norm/gamma"):
        finetuning.apply_rules(
            model.weights,
            [r for r in model.finetune_rules if r.group != "layernorm"],
        )
    # Nothing was changed on the way to the error.
    assert trained_paths(model) == trained_paths(tiny("fpt"))


# GPT-2 base, built without downloading it. The true counts are those of the
# original code (124 M parameters less the token table, plus input and head);
# the paper's follow its formulas.
GPT2_BASE = {
    "num_layers": 12,
    "num_heads": 12,
    "hidden_dim": 768,
    "intermediate_dim": 3072,
    "max_sequence_length": 1024,
}
COUNTS = {
    # task: trained, as the paper counts, input layer, head
    "bit_memory": (940_900, 244_992, 39_168, 76_900),
    "bit_xor": (827_906, 47_616, 1_536, 1_538),
    "cifar10": (870_154, 131_328, 37_632, 7_690),
}


@pytest.fixture(scope="module")
def gpt2_base():
    import keras_nlp

    return keras_nlp.models.GPT2Backbone(
        vocabulary_size=50, dtype="bfloat16", **GPT2_BASE
    )


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts_of_gpt2_base(gpt2_base, name):
    if name == "cifar10":
        sizes = {"inputs": (64, 48), "outputs": 10}
    else:
        sizes = {"task": keras_fpt.tasks.get(name)}
    model = FPT(gpt2_base, **sizes)
    printed = []
    counts = model.finetune_summary(print_fn=printed.append)

    trained, paper, input_layer, head = COUNTS[name]
    assert counts["total"]["trained"] == trained
    assert counts["total"]["paper"] == paper
    assert counts["input"]["trained"] == input_layer
    assert counts["output"]["trained"] == head
    assert counts["layernorm"]["trained"] == 38_400
    assert counts["positions"]["trained"] == 786_432
    assert counts["attention"] == {
        "trained": 0,
        "total": 28_348_416,
        "paper": 0,
    }
    assert counts["feed_forward"]["trained"] == 0
    # What Keras says agrees, and the token table is not carried.
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == trained
    assert model.count_params() == counts["total"]["total"]
    assert model.count_params() == 85_842_432 + input_layer + head
    assert f"{trained:,}" in printed[0] and f"{paper:,}" in printed[0]


def test_paper_count_of_a_selection():
    counts = tiny(("output", "attention[0]")).finetune_summary(lambda _: None)
    attention = 4 * 16 * 16 + 4 * 16
    assert counts["attention"]["trained"] == attention
    assert counts["total"]["trained"] == attention + 16 * 4 + 4
    assert counts["total"]["paper"] == attention + 16 * 4


def test_switching_the_whole_model_off_and_on_keeps_the_rules():
    model = tiny("output_only")
    model.trainable = False
    assert not model.trainable_weights
    model.trainable = True
    assert trained_paths(model) == {"head/kernel", "head/bias"}
    assert isinstance(model, keras.Model)
