"""The scripts under tables/ run, small, and print what they promise."""

import importlib
import json
import re

import numpy as np
import pytest
from helpers.processes import ROOT
from helpers.processes import run_here
from helpers.processes import with_settings


def test_data_throughput(made_up, tmp_path):
    lines = run_here(
        ROOT / "tables" / "data_throughput.py",
        *("--num-layers", "1"),
        *("--tasks", "bit_xor", "cifar10", "remote_homology"),
        KERAS_FPT_CACHE=made_up,
        TAPE_DATA_DIR=tmp_path / "nothing",
    )
    assert re.search(r"\d\.\d\d TFLOP/s in float32, \d.*bfloat16", lines[0])
    rows = [line.split(" | ") for line in lines if line.startswith("| ")][1:]
    names = [row[0].removeprefix("| ") for row in rows]
    assert names == ["bit_xor", "cifar10"]
    for row in rows:
        for cell in row[2:5:2]:
            assert float(cell.strip(" |").replace(",", "")) > 0
    assert re.match("remote_homology, paper, is left out: .*nothing", lines[-1])


def test_throughput(tmp_path):
    """One block, one turn: the same losses, a row, and no run twice."""
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    for name in ("throughput.py", "throughput_arm.py"):
        code = (ROOT / "tables" / name).read_text()
        if name == "throughput.py":
            code = with_settings(code, ROUNDS=1, SECONDS=0.1)
        (tmp_path / name).write_text(code)
    backend, policy = "torch", "frozen_bfloat16"
    texts = []
    for _ in range(2):
        lines = run_here(
            tmp_path / "throughput.py",
            *("bit_xor", "--num-layers", "1"),
            *("--backends", backend, "--policies", policy),
            cwd=tmp_path,
            # The processes that it starts lie in another folder.
            PYTHONPATH=ROOT / "tables",
        )
        rows = [line.split(" | ") for line in lines if line.startswith("| ")]
        del rows[0]  # the heading
        assert [row[1:3] for row in rows] == [[backend, policy]]
        records = sorted((tmp_path / "results" / "throughput").glob("*.json"))
        texts.append([record.read_text() for record in records])
    assert texts[0] == texts[1] and len(texts[0]) == 1
    for record in map(json.loads, texts[0]):
        assert 0 < record["loss_difference"] < 3e-2
        assert np.shape(record["train"]) == (2, 1)
        assert np.all(np.array(record["train"]) > 0)


def test_table22():
    """The counts that the paper prints, and those of its LSTM."""
    lines = run_here(ROOT / "tables" / "table22.py")
    written = ROOT / "tables" / "results" / "table22.md"
    assert written.read_text().splitlines() == lines
    rows = {
        line.split(" | ")[0].removeprefix("| "): line.strip("| ").split(" | ")
        for line in lines[2:]
    }
    paper = {name: cells[-1] for name, cells in rows.items()}
    assert paper["GPT-2 base"] == "106,752"
    assert paper["GPT-2 medium"] == "191,488"
    assert paper["GPT-2 large"] == "300,800"
    assert paper["GPT-2 XL"] == "452,800"
    # With tokens of 48 numbers it is 86,794, as the original counts.
    assert rows["LSTM, frozen"][5] == f"{86_794 - 32 * 768:,}"
    assert rows["CNN"][4] == "122,570"


@pytest.mark.parametrize("name", ["table01", "rothermel01", "xor_length"])
def test_a_table_lists_its_runs(name, tmp_path):
    script = ROOT / "tables" / f"{name}.py"
    lines = run_here(script, "--list", "--results", tmp_path, "--seeds", "1")
    keys = [line.split()[0] for line in lines]
    runs = [key for key in keys if key != "-"]
    assert runs and all(re.fullmatch("[0-9a-f]{16}", key) for key in runs)
    assert len(set(runs)) == len(runs)


def test_a_table_runs_what_is_missing_and_no_more(tmp_path, capsys):
    """Under a cap: all of the way, and no result."""
    arguments = ("--rows", "FPT", "--tasks", "bit_xor", "--seeds", "1")
    script = ROOT / "tables" / "table02.py"
    with pytest.raises(SystemExit, match="2"):
        run_here(script, *arguments, "--rows", "Fpt")
    assert "no row is named" in capsys.readouterr().err
    lines = run_here(script, *arguments, "--results", tmp_path, caps=(None, 1))
    assert "no result" in lines[1]
    assert any(re.match("  step 1000: loss", line) for line in lines)
    assert lines[-4].startswith("| FPT | – / 100 | – / 100 |")
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("script", ["throughput", "replicas_throughput"])
def test_speed_is_written_as_it_was_measured(script):
    module = importlib.import_module(script)
    written = (ROOT / "tables" / "speed.md").read_text()
    found = list(module.RESULTS.glob("*.json"))
    assert found and module.HEADING in written
    for file in found:
        assert module.row(json.loads(file.read_text())) in written, (
            f"{file.name}: run `python tables/{script}.py` and copy its line"
        )


def test_features():
    script = ROOT / "tables" / "features.py"
    lines = run_here(script, "bit_xor", "--num-layers", "1")
    row = lines[-1].strip("| ").split(" | ")
    assert row[0] == "bit_xor" and all(
        float(cell.replace(",", "")) > 0 for cell in row[1:4]
    )


def test_precision(tmp_path):
    code = (ROOT / "tables" / "precision.py").read_text()
    settings = {"SEEDS": (0, 1), "NUM_TEST": 64}
    (tmp_path / "precision.py").write_text(with_settings(code, **settings))
    for _ in range(2):  # the second finds its records
        script = tmp_path / "precision.py"
        lines = run_here(script, "--task", "bit_xor", caps=(None, 2))
        names = [line.split(" | ")[1] for line in lines[2:]]
        assert names == ["float32", "bfloat16", "int8"]
        assert all(" ± " in line for line in lines[2:])
    assert len(list((tmp_path / "results" / "precision").iterdir())) == 6
