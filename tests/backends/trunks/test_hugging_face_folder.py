"""Hugging Face folders: of any head the same trunk, or a line that says why."""

import json

import numpy as np
import pytest
from helpers.arrays import values
from helpers.marks import once
from helpers.tiny_models import BERT
from helpers.tiny_models import GPT2
from helpers.tiny_models import random_tensors
from helpers.tiny_models import write_folder

from keras_fpt import trunks

pytestmark = once
SMALL = {
    "vocab_size": 33,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
TEXT = {**SMALL, "max_position_embeddings": 12, "pad_token_id": 1}
IMAGE = {**SMALL, "image_size": 8, "patch_size": 4}
del IMAGE["vocab_size"]
GPT = {"vocab_size": 33, "n_embd": 16, "n_layer": 1, "n_head": 2}
DISTIL = {"vocab_size": 33, "dim": 16, "n_layers": 1, "n_heads": 2}
HEADS = {
    "GPT2": (
        {**GPT, "n_positions": 12},
        ("LMHeadModel", "ForTokenClassification"),
    ),
    "Llama": (
        {**SMALL, "num_key_value_heads": 1},
        ("ForCausalLM", "ForSequenceClassification"),
    ),
    "Bert": (
        TEXT,
        (
            "ForMaskedLM",
            "ForPreTraining",
            "LMHeadModel",
            "ForQuestionAnswering",
        ),
    ),
    "Roberta": (TEXT, ("ForMaskedLM", "ForSequenceClassification")),
    "DistilBert": (
        {**DISTIL, "hidden_dim": 24, "max_position_embeddings": 12},
        ("ForMaskedLM", "ForTokenClassification"),
    ),
    "Esm": (
        {**TEXT, "position_embedding_type": "rotary", "mask_token_id": 32},
        ("ForMaskedLM", "ForSequenceClassification"),
    ),
    "ViT": (IMAGE, ("ForImageClassification", "ForMaskedImageModeling")),
    "DeiT": (
        IMAGE,
        ("ForImageClassification", "ForImageClassificationWithTeacher"),
    ),
}


def trunk_of(folder):
    return trunks.from_preset(str(folder), dropout=0.0)


def same_values(one, other):
    one, other = values(one.weights), values(other.weights)
    # Llama has the fewest: ten.
    assert set(one) == set(other) and len(one) >= 10
    for path, value in one.items():
        np.testing.assert_array_equal(value, other[path])


@pytest.mark.parametrize(
    "family, head", [(f, h) for f, (_, heads) in HEADS.items() for h in heads]
)
def test_a_head_is_left_out(family, head, tmp_path):
    """The trunk of a model with a head is that of the model below it."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = getattr(transformers, f"{family}Config")(**HEADS[family][0])
    torch.manual_seed(0)
    model = getattr(transformers, family + head)(config)
    with torch.no_grad():
        for weight in model.parameters():  # norms and biases, too
            weight += 0.1 * torch.randn_like(weight)
    model.save_pretrained(tmp_path / "head")
    # As its own class writes it, which has other names.
    base = getattr(transformers, f"{family}Model")(config)
    base.load_state_dict(model.base_model.state_dict(), strict=False)
    base.save_pretrained(tmp_path / "base")
    same_values(trunk_of(tmp_path / "head"), trunk_of(tmp_path / "base"))


@pytest.fixture
def write(tmp_path):
    """Writes a folder of a changed model; `None` takes a thing away."""

    def write(model=GPT2, config=None, tensors=None, prefix=""):
        written = {**model, **(config or {})}
        content = {**random_tensors(model), **(tensors or {})}
        return write_folder(
            tmp_path / "model",
            {k: v for k, v in written.items() if v is not None},
            {prefix + k: v for k, v in content.items() if v is not None},
        )

    return write


def refused(folder, message, **arguments):
    with pytest.raises(ValueError, match=message) as error:
        trunks.from_preset(folder, dropout=0.0, **arguments)
    assert "\n" not in str(error.value) and folder in str(error.value)


@pytest.mark.parametrize("prefix", ["0.auto_model.", "encoder.bert.", "bert."])
def test_a_model_inside_another(write, prefix, tmp_path):
    inside = trunk_of(write(BERT, prefix=prefix))
    (tmp_path / "model").rename(tmp_path / "inside")
    same_values(inside, trunk_of(write(BERT)))


def test_roberta_keeps_its_segment(tmp_path):
    """All tokens are of the first: its vector is the same at each place."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    model = transformers.RobertaModel(transformers.RobertaConfig(**TEXT))
    tables = []
    for value in (0.0, 0.5):
        torch.nn.init.constant_(
            model.embeddings.token_type_embeddings.weight, value
        )
        model.save_pretrained(tmp_path)
        (variable,) = trunk_of(tmp_path).position_embedding.weights
        tables.append(np.array(values([variable])[variable.path]))
    np.testing.assert_allclose(tables[1] - tables[0], 0.5, atol=1e-6)


class TestConfig:
    @pytest.mark.parametrize("key", ["n_embd", "n_layer", "n_head"])
    def test_a_size_that_is_missing(self, write, key):
        refused(write(config={key: None}), f"config.json of .*lacks '{key}'")

    @pytest.mark.parametrize(
        "key, value", [("n_embd", "32"), ("n_layer", "2"), ("n_head", 0)]
    )
    def test_a_size_of_a_wrong_type(self, write, key, value):
        refused(write(config={key: value}), "config.json|cannot be loaded")

    def test_fewer_blocks_than_the_file_has(self, write):
        folder = write(config={"n_layer": 1})
        refused(folder, "more blocks than its config.json says: h.1..*num_lay")

    def test_more_blocks_than_the_file_has(self, write):
        refused(write(config={"n_layer": 3}), "lacks the tensor 'h.2.")

    def test_sizes_of_another_model(self, write):
        folder = write(config={"n_embd": 16, "n_inner": 64})
        refused(folder, r"'wte.weight' in .* has shape \(11, 32\), which does")

    @pytest.mark.parametrize("model_type", [3, ["gpt2"], None])
    def test_a_model_type_that_is_no_name(self, write, model_type):
        folder = write(config={"model_type": model_type})
        with pytest.raises(ValueError, match="names its model|of type None"):
            trunk_of(folder)


class TestWeights:
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_that_are_not_finite(self, write, value):
        bias = np.full(32, value, "float32")
        folder = write(tensors={"h.1.ln_2.bias": bias})
        refused(folder, "NaN or infinity in 'transformer_layer_1/.*beta'")
        # Which a random trunk does not read.
        trunks.from_preset(folder, dropout=0.0, load_weights=False)

    def test_a_tensor_that_is_missing(self, write):
        folder = write(tensors={"h.0.mlp.c_fc.bias": None})
        refused(
            folder, "lacks the tensor 'h.0.mlp.c_fc.bias'.* It has h.0.attn"
        )

    @pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
    def test_that_are_a_pickle(self, write, name, tmp_path):
        folder = write()
        file = tmp_path / "model" / "model.safetensors"
        mark = tmp_path / "mark"
        file.rename(file.with_name(name)).write_bytes(
            b"cos\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR."
        )
        refused(folder, f"in {name}, a pickle.*is not opened.*save_pretrained")
        assert not mark.exists()

    def test_that_are_not_there(self, write, tmp_path):
        folder = write()
        (tmp_path / "model" / "model.safetensors").unlink()
        refused(folder, "no weights: expected model.safetensors")
        trunks.from_preset(folder, dropout=0.0, load_weights=False)

    @pytest.mark.parametrize("share", [0.0, 0.1, 0.99])
    def test_that_are_cut(self, write, share, tmp_path):
        folder = write()
        file = tmp_path / "model" / "model.safetensors"
        whole = file.read_bytes()
        file.write_bytes(whole[: int(share * len(whole))])
        refused(folder, "is no whole safetensors file.*fetch it again")


class TestParts:
    def split(self, folder):
        import safetensors.numpy

        tensors = random_tensors(GPT2)
        weight_map = {}
        for i, names in enumerate(
            (sorted(tensors)[::2], sorted(tensors)[1::2])
        ):
            part = f"model-0000{i + 1}-of-00002.safetensors"
            safetensors.numpy.save_file(
                {name: tensors[name] for name in names}, folder / part
            )
            weight_map.update(dict.fromkeys(names, part))
        index = {"metadata": {}, "weight_map": weight_map}
        text = json.dumps(index)
        (folder / "model.safetensors.index.json").write_text(text)
        (folder / "model.safetensors").unlink()

    def test_are_read_together(self, write, tmp_path):
        whole = trunk_of(write())
        self.split(tmp_path / "model")
        same_values(trunk_of(tmp_path / "model"), whole)

    def test_one_that_is_missing(self, write, tmp_path):
        folder = write()
        self.split(tmp_path / "model")
        part = "model-00002-of-00002.safetensors"
        (tmp_path / "model" / part).unlink()
        refused(folder, f"lacks {part}, which its model.safetensors.index.json")

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"weight_map": 3}'])
    def test_an_index_that_is_none(self, write, text, tmp_path):
        folder = write()
        (tmp_path / "model" / "model.safetensors.index.json").write_text(text)
        refused(folder, "is no index of safetensors files: fetch it again")
