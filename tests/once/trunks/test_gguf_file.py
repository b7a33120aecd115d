"""Files that are GGUF, and files that are not or not whole."""

import sys

import numpy as np
import pytest
from helpers.gguf_files import write_gguf
from helpers.tiny_models import LLAMA
from helpers.tiny_models import random_tensors

from keras_fpt.trunks.gguf_file import GGUFFile

pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    config = {**LLAMA, "num_hidden_layers": 1}
    path = tmp_path_factory.mktemp("gguf") / "model.gguf"
    write_gguf(path, config, random_tensors(config), {"ffn": "Q4_1"})
    return path


def refusal(path, error=ValueError):
    """The message, which stands on one line and names the file."""
    with pytest.raises(error) as caught:
        GGUFFile(path)
    message = str(caught.value)
    assert "\n" not in message and repr(str(path)) in message
    return message


def test_keys_and_tensors(path):
    file = GGUFFile(path)
    assert file.architecture == "llama"
    assert file.key("llama.embedding_length") == 32
    assert file.key("llama.none", 7) == 7
    assert not [key for key in file.keys if key.startswith("tokenizer.")]
    kernel = random_tensors(LLAMA)["model.layers.0.mlp.down_proj.weight"]
    tensor = file.tensor("blk.0.ffn_down.weight")
    assert tensor.dtype == "float32" and tensor.shape == kernel.shape
    # 16 steps between the least and the largest of 32 numbers.
    np.testing.assert_allclose(tensor, kernel, atol=0.1)


def test_a_missing_key_is_named(path):
    message = "lacks the key 'llama.none': expected"
    with pytest.raises(ValueError, match=message):
        GGUFFile(path).key("llama.none")


def test_a_file_without_architecture(path, tmp_path):
    content = path.read_bytes()
    other = tmp_path / "model.gguf"
    other.write_bytes(content.replace(b"architecture", b"architectura"))
    assert "lacks the key 'general.architecture'" in refusal(other)


@pytest.mark.parametrize(
    "content", [b"", b"GG", b"PK\x03\x04 a zip", b"<html>not found</html>"]
)
def test_what_is_not_gguf(content, tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    assert "is not a GGUF file" in refusal(path)


def test_a_file_that_is_cut_anywhere(path, tmp_path):
    content = path.read_bytes()
    cut = tmp_path / "model.gguf"
    # Header, keys, names of tensors and their values.
    places = [4, 6, 12, *range(24, 2500, 97), len(content) // 2]
    for place in [*places, len(content) - 1]:
        cut.write_bytes(content[:place])
        assert "cut or damaged: fetch it again" in refusal(cut), place


def test_another_version_of_the_format(path, tmp_path):
    content = bytearray(path.read_bytes())
    content[4] = 99
    other = tmp_path / "model.gguf"
    other.write_bytes(content)
    assert "version 99" in refusal(other)


def test_a_part_of_a_model(tmp_path):
    path = tmp_path / "model-00001-of-00003.gguf"
    write_gguf(path, LLAMA, random_tensors(LLAMA), keys={"split.count": 3})
    assert "one of 3 parts" in refusal(path)


def test_a_type_that_gguf_does_not_read(path, monkeypatch):
    import gguf

    def dequantize(data, kind):
        raise NotImplementedError("Dequantization is not yet implemented")

    monkeypatch.setattr(gguf, "dequantize", dequantize)
    message = "stores 'blk.0.ffn_up.weight' as Q4_1.*choose another quant"
    with pytest.raises(ValueError, match=message):
        GGUFFile(path).tensor("blk.0.ffn_up.weight")


def test_without_the_package(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    message = refusal(path, ImportError)
    assert "pip install 'keras-fpt[gguf]'" in message
