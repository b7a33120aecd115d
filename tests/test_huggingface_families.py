"""Every family of trunks is equal to its Hugging Face counterpart.

GPT-2's equality, in training too, is in test_huggingface.py.
"""

import keras
import numpy as np
import pytest
from huggingface_backbones import BY_HAND

from keras_fpt import trunks

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

# More tokens than T5 tells the distances of apart; T5 joins those beyond 128.
NUM_TOKENS, HIDDEN_DIM = 140, 32
NUM_REAL = np.array([[NUM_TOKENS], [NUM_TOKENS // 2]])
MASK = np.arange(NUM_TOKENS) < NUM_REAL
BERT = {
    "hidden_size": HIDDEN_DIM,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "vocab_size": 11,
    "max_position_embeddings": NUM_TOKENS,
}
# Its table begins with two rows that nothing reads; so does OPT's.
ROBERTA = {**BERT, "max_position_embeddings": NUM_TOKENS + 2}
ESM = {**BERT, "position_embedding_type": "rotary", "pad_token_id": 1}
IMAGE = {**BERT, "image_size": 8, "patch_size": 4}
LLAMA = {**BERT, "num_key_value_heads": 2}
LLAMA_31 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    # Few, so that of the waves some are kept, some stretched, some between.
    "original_max_position_embeddings": 48,
}
DISTILBERT = {
    "dim": HIDDEN_DIM,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 24,
    "vocab_size": 11,
    "max_position_embeddings": NUM_TOKENS,
}
# Hugging Face's class in whose folders keras-nlp finds its weights -> cases.
FOLDERS = {
    "BertModel": {
        "bert": BERT,
        "bert, approximate": {
            **BERT,
            "hidden_act": "gelu_new",
            "layer_norm_eps": 0.1,
        },
    },
    "RobertaForMaskedLM": {
        "roberta": {**ROBERTA, "hidden_act": "relu", "layer_norm_eps": 0.1},
    },
    "DistilBertForMaskedLM": {"distilbert": DISTILBERT},
    "LlamaForCausalLM": {
        "llama": {**LLAMA, "rms_norm_eps": 0.1},
        "llama, 3.1": {**LLAMA, "rope_parameters": LLAMA_31},
    },
    "EsmModel": {
        "esm": ESM,
        "esm, norm first": {
            **ESM,
            "emb_layer_norm_before": True,
            "rope_theta": 100.0,
        },
    },
    "ViTForImageClassification": {"vit": {**IMAGE, "layer_norm_eps": 0.1}},
    "DeiTForImageClassification": {"deit": {**IMAGE, "layer_norm_eps": 0.1}},
}
OPT = {
    "hidden_size": HIDDEN_DIM,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "ffn_dim": 24,
    "vocab_size": 11,
    "max_position_embeddings": NUM_TOKENS,
}
T5 = {
    "d_model": HIDDEN_DIM,
    "d_kv": 6,
    "d_ff": 24,
    "num_layers": 2,
    "num_heads": 4,
    "vocab_size": 11,
}
CASES = {
    name: (class_name, config)
    for class_name, cases in FOLDERS.items()
    for name, config in cases.items()
}
CASES["opt"] = ("OPTModel", OPT)
CASES["t5"] = ("T5EncoderModel", {**T5, "feed_forward_proj": "relu"})
CASES["t5, gated"] = (
    "T5EncoderModel",
    {**T5, "feed_forward_proj": "gated-gelu"},
)


@pytest.fixture(scope="module", autouse=True)
def zeros():
    """Nothing random is drawn: loading replaces it, and JAX takes long."""

    def draw(self, shape, dtype=None):
        return keras.ops.zeros(shape, dtype)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("GlorotUniform", "RandomNormal", "TruncatedNormal"):
            patch.setattr(getattr(keras.initializers, name), "__call__", draw)
        yield


@pytest.fixture(scope="module", params=CASES)
def pair(request, zeros, tmp_path_factory):
    """A random Hugging Face model and the trunk of the same weights."""
    class_name, arguments = CASES[request.param]
    model_class = getattr(transformers, class_name)
    torch.manual_seed(0)
    model = model_class(model_class.config_class(**arguments)).eval()
    model.set_attn_implementation("eager")  # the one that shows attention
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1 * torch.randn_like(weight)
    if class_name in BY_HAND:
        backbone = BY_HAND[class_name](model)
        return model, trunks.from_backbone(backbone)
    folder = tmp_path_factory.mktemp("model")
    save(model, folder)
    return model, trunks.from_preset(str(folder), dropout=0.0)


def save(model, folder):
    if model.config.model_type == "roberta":
        # RoBERTa was trained without: published models hold zeros.
        torch.nn.init.zeros_(
            model.roberta.embeddings.token_type_embeddings.weight
        )
    model.save_pretrained(folder)
    if model.config.model_type == "esm":
        # Published models have these names; transformers 5 calls norms other.
        import safetensors.torch

        file = folder / "model.safetensors"
        safetensors.torch.save_file(model.state_dict(), file)


def expected(model, tokens, mask=None):
    """Hidden vectors and attention of Hugging Face's model."""
    tokens = torch.tensor(tokens)
    arguments = {"output_attentions": True}
    if mask is not None:
        arguments["attention_mask"] = torch.tensor(mask).long()
    base = model.base_model
    if model.config.model_type in ("vit", "deit"):
        base.embeddings.forward = lambda *_, **__: tokens
        arguments["pixel_values"] = torch.zeros(1)
    elif model.config.model_type == "esm":
        # Some versions leave the first norm out with `inputs_embeds`.
        base.embeddings.word_embeddings.forward = lambda ids: tokens
        arguments["input_ids"] = torch.full(tokens.shape[:2], 5)
    else:
        arguments["inputs_embeds"] = tokens
    with torch.no_grad():
        output = base(**arguments)
    attentions = [layer.numpy() for layer in output.attentions]
    return output.last_hidden_state.numpy(), attentions


def assert_equal(computed, theirs, atol=1e-5):
    computed = keras.ops.convert_to_numpy(computed)
    np.testing.assert_allclose(computed, theirs, atol=atol, rtol=0)


def random_tokens(trunk, num_tokens=NUM_TOKENS):
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, num_tokens, trunk.hidden_dim)).astype("float32")


def test_hidden_vectors_are_equal(pair):
    model, trunk = pair
    tokens = random_tokens(trunk)
    hidden, _ = expected(model, tokens)
    assert_equal(trunk(keras.ops.convert_to_tensor(tokens)), hidden)


def test_padded_hidden_vectors_and_attention_are_equal(pair):
    model, trunk = pair
    tokens = random_tokens(trunk)
    hidden, attentions = expected(model, tokens, MASK)
    tokens = keras.ops.convert_to_tensor(tokens)
    mask = keras.ops.convert_to_tensor(MASK)
    computed = keras.ops.convert_to_numpy(trunk(tokens, padding_mask=mask))
    assert_equal(computed[MASK], hidden[MASK])
    for layer, theirs in enumerate(attentions):
        maps = trunk.attention_scores(tokens, layer, mask)
        maps = keras.ops.convert_to_numpy(maps)
        real = np.broadcast_to(MASK[:, None], maps.shape[:3])
        assert_equal(maps[real], theirs[real])


@pytest.mark.parametrize(
    "folder, class_name",
    [
        ("minilm_l6_en", "BertModel"),
        ("deit_tiny_imagenet", "ViTForImageClassification"),
    ],
)
def test_pretrained_weights_give_equal_results(shared, folder, class_name):
    folder = str(shared / "weights" / folder)
    model_class = getattr(transformers, class_name)
    model = model_class.from_pretrained(folder, dtype=torch.float32).eval()
    model.set_attn_implementation("eager")
    trunk = trunks.from_preset(folder, dropout=0.0)
    tokens = random_tokens(trunk, num_tokens=50)
    hidden, attentions = expected(model, tokens)
    tokens = keras.ops.convert_to_tensor(tokens)
    assert_equal(trunk(tokens), hidden, atol=1e-4)
    last = len(attentions) - 1
    assert_equal(trunk.attention_scores(tokens, last), attentions[-1])
