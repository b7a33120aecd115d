"""Options of a Hugging Face config.json: passed on to the trunk, or refused."""

import json

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.checks import check_survives

import keras_fpt
from keras_fpt import trunks

LLAMA = {"hidden_size": 16, "num_attention_heads": 2}
REFUSED = [
    ("gpt2", {"activation_function": "quick_gelu"}),
    ("gpt2", {"scale_attn_weights": False}),
    ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
    ("bert", {"hidden_act": "quick_gelu"}),
    ("bert", {"is_decoder": True}),
    ("bert", {"position_embedding_type": "relative_key"}),
    ("roberta", {"hidden_act": "quick_gelu"}),
    ("roberta", {"pad_token_id": 0}),
    ("distilbert", {"activation": "quick_gelu"}),
    ("llama", {"hidden_act": "gelu"}),
    ("llama", {"attention_bias": True}),
    ("llama", {"mlp_bias": True}),
    ("llama", {"head_dim": 4}),
    ("esm", {"is_decoder": True}),
    ("vit", {"hidden_act": "gelu_new"}),
    ("vit", {"qkv_bias": False}),
    ("deit", {"hidden_act": "relu"}),
    ("deit", {"qkv_bias": False}),
]


def write_config(folder, model_type, config):
    config = {"model_type": model_type, **config}
    if model_type == "llama":
        config |= LLAMA
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


@pytest.mark.parametrize("model_type, config", REFUSED)
def test_what_a_trunk_does_not_compute_is_refused(model_type, config, tmp_path):
    folder = write_config(tmp_path, model_type, config)
    [(option, value)] = config.items()
    message = rf"expected {option} to be .+\. Received: {option}={value!r}"
    with pytest.raises(ValueError, match=message):
        trunks.from_preset(folder, dropout=0.0)


@pytest.mark.parametrize(
    "name, key",
    [
        ("rope_parameters", "rope_type"),
        ("rope_scaling", "rope_type"),
        ("rope_scaling", "type"),
    ],
)
@pytest.mark.parametrize("kind", ["linear", "dynamic", "yarn"])
def test_other_rotary_positions_are_refused(name, key, kind, tmp_path):
    rope = {name: {key: kind, "factor": 2.0}}
    folder = write_config(tmp_path, "llama", rope)
    with pytest.raises(ValueError, match=f"{key}='{kind}'"):
        trunks.from_preset(folder, dropout=0.0)


def test_both_names_of_rotary_options_are_read():
    rope = {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 48,
    }
    new, old = (
        trunks.LlamaTrunk.from_hugging_face({**LLAMA, name: rope})
        for name in ("rope_parameters", "rope_scaling")
    )
    assert new == old
    assert new["rope_frequency_adjustment_factor"] == 8.0


@pytest.mark.parametrize("family", trunks.FAMILIES)
def test_a_preset_of_keras_nlp_has_no_such_options(family):
    assert family.from_hugging_face({}) == {}


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    """A Hugging Face GPT-2 with unusual options, and its folder."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=11,
        n_positions=12,
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_inner=24,
        activation_function="relu",
        layer_norm_epsilon=0.1,
    )
    model = transformers.GPT2Model(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1 * torch.randn_like(weight)
    folder = tmp_path_factory.mktemp("gpt2")
    model.save_pretrained(folder)
    return model, str(folder)


def test_gpt2_with_unusual_options_is_equal(gpt2):
    import torch

    model, folder = gpt2
    trunk = trunks.from_preset(folder, dropout=0.0)
    x = tokens(2, 12, 16)
    with torch.no_grad():
        expected = model(inputs_embeds=torch.tensor(x)).last_hidden_state
    computed = keras.ops.convert_to_numpy(trunk(x))
    np.testing.assert_allclose(computed, expected.numpy(), atol=1e-5, rtol=0)


def test_options_are_saved_with_the_model(gpt2, tmp_path):
    _, folder = gpt2
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        folder, inputs=(7, 3), outputs=2, dropout=0.0
    )
    x = tokens(4, 7, 3)
    loaded = check_survives(model, tmp_path / "model.keras", x)
    assert loaded.trunk.config == model.trunk.config
    # A trunk of the same sizes is the same function of its values.
    again = type(model.trunk).from_config(model.trunk.get_config())
    theirs = values(model.trunk.weights)
    again.last_tokens = model.trunk.last_tokens
    for variable in again.weights:
        variable.assign(theirs[variable.path])
    x = keras.ops.convert_to_tensor(tokens(4, 7, 16))
    np.testing.assert_array_equal(
        *map(keras.ops.convert_to_numpy, (again(x), model.trunk(x)))
    )
