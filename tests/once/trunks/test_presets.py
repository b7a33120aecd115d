"""Where trunks come from: the embedded one, folders, names; or a refusal."""

import json
import lzma

import keras
import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import FAMILIES
from helpers.backbones import make_backbone_of

import keras_fpt
from keras_fpt import trunks
from keras_fpt.trunks.presets import embedded_folder

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (6, 3), "outputs": 4}
EMBEDDED = "gpt2_tiny_en"


@pytest.fixture
def folder():
    return embedded_folder(EMBEDDED)


def bits_per_byte(folder, documents, num_windows):
    """Of windows of full length all over the text, in float32."""
    import keras_nlp

    tokenizers = pytest.importorskip("tokenizers")
    assets = folder / "assets" / "tokenizer"
    bpe = tokenizers.models.BPE.from_file(
        str(assets / "vocabulary.json"), str(assets / "merges.txt")
    )
    tokenizer = tokenizers.Tokenizer(bpe)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False
    )
    end = [tokenizer.token_to_id("<|endoftext|>")]
    ids, num_bytes = list(end), 0
    for document in documents:
        ids += tokenizer.encode(document).ids + end
        num_bytes += len(document.encode())
    bytes_per_token = num_bytes / (len(ids) - 1)
    length = min(1024, len(ids) - 1)
    last = len(ids) - 1 - length
    starts = np.linspace(0, last, num_windows, dtype=int)[:, None]
    windows = np.array(ids)[starts + np.arange(length + 1)]
    x, y = windows[:, :-1], windows[:, 1:]

    model = keras_nlp.models.GPT2CausalLM.from_preset(
        str(folder), preprocessor=None, dtype="float32"
    )
    logits = model.predict(
        {"token_ids": x, "padding_mask": np.ones_like(x)},
        batch_size=4,
        verbose=0,
    )
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    nats = -np.take_along_axis(log_p, y[..., None], axis=-1).mean()
    return nats / np.log(2) / bytes_per_token


# Written for this test, so that no training text holds it.
PROSE = (
    "The library stood at the end of a quiet street, and on Thursdays the old "
    "man who kept it would open the windows and let the smell of rain come in. "
    "He had been a teacher once. Now he read to the children of the town, who "
    "came after school and sat on the floor, and he did not mind when they "
    "fell asleep before the story was over."
)


def test_embedded_trunk_speaks_english(folder):
    english = bits_per_byte(folder, [PROSE], num_windows=1)
    backwards = bits_per_byte(folder, [PROSE[::-1]], num_windows=1)
    assert english < 2.2 < 3 < backwards


def test_embedded_trunk_has_the_bits_per_byte_of_its_record(folder, shared):
    record = json.loads((folder / "record.json").read_text())
    text = lzma.open(shared / "text" / "valid.txt.xz", "rt", newline="\n")
    documents = text.read().removesuffix("\n").split("\n<|endoftext|>\n")
    computed = bits_per_byte(folder, documents, num_windows=24)
    expected = record["valid_bits_per_byte"]
    assert expected <= 1.6
    # 24 of some 360 windows, another count of bytes a token in each.
    np.testing.assert_allclose(computed, expected, atol=0.1)


def test_embedded_preset_has_its_card(folder):
    assert trunks.embedded_presets() == [EMBEDDED]
    card = (folder / "README.md").read_text()
    record = json.loads((folder / "record.json").read_text())
    assert f"{record['valid_bits_per_byte']:.3f}" in card
    for licence in ("CC BY-SA 3.0", "CC BY 4.0", "public domain"):
        assert licence in card
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    assert size < 20e6


def test_embedded_trunk_computes_in_float32():
    """It is stored in half precision: the model follows Keras' policy."""
    model = FPT.from_preset(EMBEDDED, **SIZES)
    assert {str(w.dtype) for w in model.weights} == {"float32"}
    assert model.compute_dtype == "float32"
    assert len(model.trunk.blocks) == 8
    assert model.trunk.num_positions == 1024


def test_mixed_precision_keeps_float32_weights_and_logits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = FPT.from_preset(EMBEDDED, **SIZES, num_layers=1)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {str(w.dtype) for w in model.weights} == {"float32"}
    assert model.trunk.compute_dtype == "bfloat16"
    assert keras.backend.standardize_dtype(model.output.dtype) == "float32"
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
    x = np.random.default_rng(0).normal(size=(8, 6, 3)).astype("float32")
    history = model.fit(x, np.zeros(8, int), epochs=4, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_pretrained_and_random_share_the_shape_not_the_values():
    pretrained = values(FPT.from_preset(EMBEDDED, **SIZES).trunk.weights)
    random = FPT.from_preset(EMBEDDED, **SIZES, initialization="random", seed=0)
    random = values(random.trunk.weights)
    assert {p: v.shape for p, v in pretrained.items()} == {
        p: v.shape for p, v in random.items()
    }
    assert all((pretrained[path] != random[path]).any() for path in random)


def test_keras_nlp_folder_and_its_num_layers(backbone, tmp_path):
    backbone.save_to_preset(str(tmp_path))
    model = FPT.from_preset(str(tmp_path), **SIZES, num_layers=1, dropout=0.0)
    theirs = values(backbone.weights)
    for path, value in values(model.trunk.weights).items():
        np.testing.assert_array_equal(value, theirs[path])
    assert len(model.trunk.blocks) == 1


@pytest.mark.parametrize(
    "family, name", [("llama", "Llama3"), ("roberta", "XLMRoberta")]
)
def test_folder_of_a_class_that_derives_from_a_known_one(
    family, name, tmp_path
):
    import keras_nlp

    backbone = getattr(keras_nlp.models, f"{name}Backbone")
    backbone(**FAMILIES[family][1]).save_to_preset(str(tmp_path))
    model = FPT.from_preset(str(tmp_path), **SIZES)
    assert type(model.trunk) is type(
        FPT(make_backbone_of(family), **SIZES).trunk
    )


@pytest.mark.network
def test_gpt2_base_of_the_hub():
    model = FPT.from_preset("gpt2_base_en", task=keras_fpt.tasks.get("bit_xor"))
    assert model.finetune_summary()["total"]["trained"] == 827_906


class TestRefusals:
    @pytest.mark.parametrize(
        "preset, message",
        [
            ("gpt2_tiny", "'gpt2_tiny'.*Did you mean gpt2_tiny_en.*folder"),
            ("gpt2_base", "Did you mean gpt2_base_en"),
            ("albert_base_en_uncased", "'albert_base_en_unc.*GPT2Backbone"),
            ("no/such/folder", "no folder 'no/such/folder'"),
            ("smollm2", "'smollm2'.*Did you mean smollm2_135m"),
            ("no/model.gguf", "no file 'no/model.gguf'"),
            ("model.gguf", "no file 'model.gguf'"),
            (7, "must be a string.*Received: int"),
        ],
    )
    def test_preset_that_is_not_there(self, preset, message):
        with pytest.raises(ValueError, match=message) as error:
            FPT.from_preset(preset, **SIZES)
        assert "\n" not in str(error.value)

    def test_folder_without_a_model(self, tmp_path):
        with pytest.raises(ValueError, match="holds no config.json"):
            FPT.from_preset(str(tmp_path), **SIZES)

    def test_folder_with_two_gguf_files(self, tmp_path):
        for name in ("b.gguf", "a.gguf"):
            (tmp_path / name).write_bytes(b"GGUF")
        message = "holds 2 GGUF files: expected one.* Received: a.gguf, b.gguf"
        with pytest.raises(ValueError, match=message):
            FPT.from_preset(str(tmp_path), **SIZES)

    def test_file_that_is_no_gguf(self, tmp_path):
        # Ollama's files have no suffix.
        file = tmp_path / "sha256-0123"
        file.write_text("{}")
        with pytest.raises(ValueError, match="is not a GGUF file.*b'{}'"):
            FPT.from_preset(str(file), **SIZES)

    def test_folder_with_a_broken_config(self, tmp_path):
        (tmp_path / "config.json").write_text("{")
        with pytest.raises(ValueError, match="is no JSON object"):
            FPT.from_preset(str(tmp_path), **SIZES)

    def test_unknown_initialization_before_anything_loads(self):
        with pytest.raises(ValueError, match="'zeros'"):
            FPT.from_preset("no/folder", **SIZES, initialization="zeros")

    @pytest.mark.parametrize("name", ["AlbertBackbone", "ResNetBackbone"])
    def test_folder_of_another_architecture(self, name, tmp_path):
        config = {"class_name": name, "registered_name": f"keras_hub>{name}"}
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(ValueError, match=f"opens a {name}.*GPT2"):
            FPT.from_preset(str(tmp_path), **SIZES)

    def test_hugging_face_folder_of_another_architecture(self, tmp_path):
        transformers = pytest.importorskip("transformers")
        pytest.importorskip("torch")
        albert = transformers.AlbertModel(
            transformers.AlbertConfig(
                vocab_size=20,
                embedding_size=8,
                hidden_size=8,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=8,
            )
        )
        albert.save_pretrained(str(tmp_path))
        with pytest.raises(ValueError, match="type 'albert'.*GPT2"):
            FPT.from_preset(str(tmp_path), **SIZES)
