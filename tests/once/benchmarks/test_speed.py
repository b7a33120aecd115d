"""Scripts that measure speed print what they promise, as it is written."""

import importlib
import json
import re

import pytest
from helpers.processes import ROOT
from helpers.processes import run_here


def test_data_throughput(made_up, tmp_path):
    lines = run_here(
        ROOT / "tables/benchmarks/data_throughput.py",
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


@pytest.mark.parametrize("script", ["throughput", "replicas_throughput"])
def test_speed_is_written_as_it_was_measured(script):
    module = importlib.import_module(script)
    written = (ROOT / "tables/benchmarks/README.md").read_text()
    found = list(module.RESULTS.glob("*.json"))
    assert found and module.HEADING in written
    for file in found:
        assert module.row(json.loads(file.read_text())) in written, (
            f"{file.name}: run {script}.py and copy its line"
        )


def test_features():
    script = ROOT / "tables/benchmarks/features.py"
    lines = run_here(script, "bit_xor", "--num-layers", "1")
    row = lines[-1].strip("| ").split(" | ")
    assert row[0] == "bit_xor" and all(
        float(cell.replace(",", "")) > 0 for cell in row[1:4]
    )
