"""The registry: what is a preset, and what one is called everywhere."""

import shutil

from keras_fpt import trunks


def test_what_is_a_preset(tiny_preset, tmp_path):
    for preset in ("gpt2_tiny_en", "gpt2_base_en", "hf://a/b", tiny_preset):
        assert trunks.is_preset(preset), preset
    for preset in ("gpt2_tiny", "bit", str(tmp_path / "nothing")):
        assert not trunks.is_preset(preset), preset


def test_a_folder_is_named_by_its_content_and_not_by_its_place(
    tiny_preset, tmp_path
):
    name = trunks.identity(tiny_preset)
    assert name.startswith("preset@")
    copy = tmp_path / "preset"
    shutil.copytree(tiny_preset, copy)
    assert trunks.identity(str(copy)) == name
    (copy / "config.json").write_text("{}")
    assert trunks.identity(str(copy)) != name
    assert trunks.identity("gpt2_tiny_en") == "gpt2_tiny_en"
    assert trunks.identity("hf://a/b") == "hf://a/b"


def test_a_file_is_named_by_its_content_and_not_by_its_place(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    assert trunks.is_preset(str(file))
    name = trunks.identity(str(file))
    assert name.startswith("model.gguf@")
    assert trunks.local_presets(str(file)) == {name: str(file)}
    (tmp_path / "other").mkdir()
    copy = shutil.copy(file, tmp_path / "other")
    assert trunks.identity(copy) == name
    file.write_bytes(b"GGUF2")
    assert trunks.identity(str(file)) != name


def test_where_a_folder_lies(tiny_preset, monkeypatch):
    assert trunks.local_presets("gpt2_tiny_en") == {}
    found = trunks.local_presets(tiny_preset)
    assert found == {trunks.identity(tiny_preset): tiny_preset}


def test_the_width_needs_no_weights(tiny_preset, tmp_path):
    copy = tmp_path / "preset"
    shutil.copytree(tiny_preset, copy)
    (copy / "model.weights.h5").unlink()
    assert trunks.hidden_dim_of(str(copy)) == 16
