"""Hashes of presets: of their values, once, and only of files."""

import shutil

import numpy as np
import pytest
from helpers.backbones import make_backbone
from helpers.marks import once

from keras_fpt import trunks
from keras_fpt.cache import cache_folder
from keras_fpt.checkpoints import frozen_hash
from keras_fpt.trunks import fingerprints
from keras_fpt.trunks.presets import files_hash


def test_it_is_the_hash_of_the_values(tiny_preset):
    trunk = trunks.from_preset(tiny_preset, dropout=0.1)
    assert trunks.values_hash(tiny_preset) == frozen_hash(trunk.weights)


@once
def test_values_are_hashed_once(tiny_preset, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_FPT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "preset"
    shutil.copytree(tiny_preset, folder)
    first = trunks.values_hash(str(folder))
    monkeypatch.setattr(fingerprints, "from_preset", None)
    assert trunks.values_hash(str(folder)) == first
    # In another process, and in another place.
    moved = folder.rename(tmp_path / "moved")
    assert trunks.values_hash(str(moved)) == first


@once
def test_other_values_in_the_same_folder(tmp_path):
    folder = tmp_path / "preset"
    make_backbone().save_to_preset(str(folder))
    first = trunks.values_hash(str(folder))
    backbone = make_backbone()
    backbone.weights[-1].assign(backbone.weights[-1] + 1)
    backbone.save_to_preset(str(folder))
    assert trunks.values_hash(str(folder)) != first


@once
def test_a_name_or_an_address_of_a_hub_has_none():
    for preset in ("gpt2_base_en", "hf://openai-community/gpt2", "no_preset"):
        assert trunks.values_hash(preset) is None
    assert len(trunks.values_hash("gpt2_tiny_en")) == 64


@once
def test_a_cached_hash_that_is_none_is_made_again(tiny_preset, tmp_path):
    folder = tmp_path / "preset"
    shutil.copytree(tiny_preset, folder)
    first = trunks.values_hash(str(folder))
    cache = cache_folder() / f"trunk_{files_hash(folder)}.npz"
    np.savez(cache, sha256=np.array("none"))
    fingerprints._values_hash.cache_clear()
    with pytest.warns(UserWarning, match="none is no SHA-256.*made again"):
        assert trunks.values_hash(str(folder)) == first
