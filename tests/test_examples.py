"""The examples run, capped from outside by Keras' own KERAS_MAX_*."""

import json
import os
import re
import subprocess
import sys

import keras
import pytest
from conftest import ROOT

import keras_fpt

CAPS = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "2"}


def run_example(name, *arguments, cwd):
    environment = {
        **os.environ,
        **CAPS,
        "KERAS_BACKEND": keras.backend.backend(),
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.run(
        [sys.executable, ROOT / "examples" / name, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        cwd=cwd,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout.strip().splitlines()


def test_bit_xor(tmp_path):
    pytest.importorskip("matplotlib")
    lines = run_example("bit_xor.py", cwd=tmp_path)
    accuracy = re.fullmatch(r"test accuracy: (\d\.\d{4})", lines[-1])
    assert 0.4 < float(accuracy[1]) < 0.75  # two steps: chance or little more
    assert re.fullmatch(r"frozen random .*: 0\.\d{4}", lines[-2])
    results = tmp_path / "results" / "bit_xor"
    for name in ("learning_curve.png", "attention_map.png"):
        picture = (results / name).read_bytes()
        assert picture.startswith(b"\x89PNG") and len(picture) > 5_000
    trained = keras_fpt.FrozenPretrainedTransformer.from_trained(
        results / "bit_xor.safetensors"
    )
    assert trained.output_shape == (None, 5, 2)


def test_bit_memory(tmp_path):
    pytest.importorskip("matplotlib")
    lines = run_example("bit_memory.py", cwd=tmp_path)
    assert re.fullmatch(r"test accuracy: 0\.\d{4}", lines[-1])
    assert any(line.startswith("masked bits: 0.") for line in lines)
    results = tmp_path / "results" / "bit_memory"
    assert (results / "learning_curve.png").stat().st_size > 5_000
    assert (results / "bit_memory.safetensors").is_file()


def test_pretrain_language_model(tmp_path):
    """On a text of its own; a second run goes on where the first stopped."""
    pytest.importorskip("tokenizers")
    words = "the sea was calm and a ship came in with salt and stories".split()
    documents = [
        " ".join(words[(i * j) % len(words)] for j in range(1, 400))
        for i in range(1, 31)
    ]
    text = tmp_path / "text.txt"
    text.write_text("\n<|endoftext|>\n".join(documents) + "\n")
    for steps in (2, 4):
        lines = run_example(
            "pretrain_language_model.py", text, tmp_path / "out", cwd=tmp_path
        )
        assert re.match(r"validation bits per byte: \d", lines[-1])
        record = json.loads((tmp_path / "out" / "record.json").read_text())
        assert record["steps"] == steps
    assert record["text"]["train"]["documents"] == 30
    assert record["valid_bits_per_byte"] > 0
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        str(tmp_path / "out" / "preset"), inputs=(16, 3), outputs=2
    )
    assert model.trunk.num_positions == 1024
