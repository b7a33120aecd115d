"""Hugging Face's models beside trunks of the same weights.

GPT-2's equality, in training too, has a test of its own.
"""

import contextlib

import keras
import numpy as np
import pytest

from helpers.huggingface_sizes import NUM_TOKENS
from keras_fpt import trunks

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

NUM_REAL = np.array([[NUM_TOKENS], [NUM_TOKENS // 2]])
MASK = np.arange(NUM_TOKENS) < NUM_REAL


@contextlib.contextmanager
def nothing_drawn():
    """Zeros at first: loading replaces them, and JAX takes long to draw."""

    def draw(self, shape, dtype=None):
        return keras.ops.zeros(shape, dtype)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("GlorotUniform", "RandomNormal", "TruncatedNormal"):
            patch.setattr(getattr(keras.initializers, name), "__call__", draw)
        yield


def make_pair(class_name, arguments, folder):
    """A random Hugging Face model and the trunk of the same weights."""
    model_class = getattr(transformers, class_name)
    torch.manual_seed(0)
    model = model_class(model_class.config_class(**arguments)).eval()
    model.set_attn_implementation("eager")  # the one that shows attention
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1 * torch.randn_like(weight)
    with nothing_drawn():
        model.save_pretrained(folder)
        return model, trunks.from_preset(str(folder), dropout=0.0)


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
