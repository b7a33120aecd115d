"""The scripts under tables/ run, small, and print what they promise."""

import os
import re
import subprocess
import sys

import keras
from conftest import ROOT


def run_table(name, *arguments, **environment):
    process = subprocess.run(
        [sys.executable, ROOT / "tables" / name, *arguments],
        env={
            **os.environ,
            "KERAS_BACKEND": keras.backend.backend(),
            "PYTHONPATH": str(ROOT),
            **{name: str(value) for name, value in environment.items()},
        },
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout.strip().splitlines()


def test_data_throughput(made_up, tmp_path):
    lines = run_table(
        "data_throughput.py",
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
