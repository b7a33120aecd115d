"""The library beside a hand-written loop: the script runs, small."""

import json
import os

import numpy as np
import pytest
from helpers.processes import ROOT
from helpers.processes import run_here
from helpers.processes import with_settings


def test_throughput(tmp_path):
    """One block, one turn: the same losses, a row, and no run twice."""
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("throughput.py", "throughput_arm.py"):
        code = (ROOT / "tables/benchmarks" / name).read_text()
        if name == "throughput.py":
            code = with_settings(code, ROUNDS=1, SECONDS=0.1)
        (folder / name).write_text(code)
    backend, policy = "torch", "frozen_bfloat16"
    texts = []
    for _ in range(2):
        lines = run_here(
            folder / "throughput.py",
            *("bit_xor", "--num-layers", "1"),
            *("--backends", backend, "--policies", policy),
            cwd=tmp_path,
            # The processes that it starts lie in another folder.
            PYTHONPATH=f"{ROOT}{os.pathsep}{ROOT / 'tables/benchmarks'}",
        )
        rows = [line.split(" | ") for line in lines if line.startswith("| ")]
        del rows[0]  # the heading
        assert [row[1:3] for row in rows] == [[backend, policy]]
        records = sorted(
            (tmp_path / "results/benchmarks/throughput").glob("*.json")
        )
        texts.append([record.read_text() for record in records])
    assert texts[0] == texts[1] and len(texts[0]) == 1
    for record in map(json.loads, texts[0]):
        assert 0 < record["loss_difference"] < 3e-2
        assert np.shape(record["train"]) == (2, 1)
        assert np.all(np.array(record["train"]) > 0)
