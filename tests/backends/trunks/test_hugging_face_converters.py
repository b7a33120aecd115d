"""OPT and T5, from the folders of all their heads."""

import json

import numpy as np
import pytest
from helpers.arrays import values
from helpers.marks import once

from keras_fpt import trunks

pytestmark = once
OPT = {
    "vocab_size": 11,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "ffn_dim": 24,
    "num_attention_heads": 2,
    "max_position_embeddings": 12,
    "word_embed_proj_dim": 16,
}
T5 = {"vocab_size": 11, "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2}
T5["num_heads"] = 2


@pytest.mark.parametrize(
    "family, arguments, base, heads",
    [
        ("OPT", OPT, "Model", ("ForCausalLM", "ForSequenceClassification")),
        ("T5", T5, "EncoderModel", ("ForConditionalGeneration", "Model")),
    ],
)
def test_heads_and_decoders_are_left_out(
    family, arguments, base, heads, tmp_path
):
    transformers = pytest.importorskip("transformers")
    config = getattr(transformers, f"{family}Config")(**arguments)
    expected = None
    for head in heads:
        model = getattr(transformers, family + head)(config)
        model.save_pretrained(tmp_path / head)
        whole = trunks.from_preset(str(tmp_path / head), dropout=0.0)
        below = getattr(transformers, family + base)(config)
        below.load_state_dict(
            model.state_dict() if family == "T5" else model.model.state_dict(),
            strict=False,
        )
        below.save_pretrained(tmp_path / f"{head}_base")
        alone = trunks.from_preset(str(tmp_path / f"{head}_base"), dropout=0.0)
        expected = values(alone.weights)
        for path, value in values(whole.weights).items():
            np.testing.assert_array_equal(value, expected[path])
    assert expected


@pytest.mark.parametrize(
    "model_type, option",
    [
        ("opt", {"do_layer_norm_before": False}),
        ("opt", {"word_embed_proj_dim": 8}),
        ("opt", {"activation_function": "gelu"}),
        ("opt", {"enable_bias": False}),
        ("t5", {"feed_forward_proj": "gated-silu"}),
        ("t5", {"relative_attention_num_buckets": 16}),
    ],
)
def test_what_keras_nlp_does_not_compute_is_refused(
    model_type, option, tmp_path
):
    sizes = OPT if model_type == "opt" else T5
    config = {"model_type": model_type, **sizes, **option}
    (tmp_path / "config.json").write_text(json.dumps(config))
    [(name, value)] = option.items()
    with pytest.raises(ValueError, match=f"Received: {name}={value!r}"):
        trunks.from_preset(str(tmp_path), dropout=0.0)
