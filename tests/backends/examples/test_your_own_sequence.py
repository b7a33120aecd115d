"""The shortest example, on JAX: the others run on PyTorch."""

import re

from helpers.marks import jax_only
from helpers.processes import ROOT
from helpers.processes import run_script


@jax_only
def test_your_own_sequence(tmp_path):
    script = ROOT / "examples" / "your_own_sequence.py"
    assert len(script.read_text().splitlines()) < 60
    lines = run_script(script, cwd=tmp_path)
    accuracy = re.fullmatch(r"test accuracy: (0\.\d{4})", lines[-1])
    assert 0.1 < float(accuracy[1]) < 0.6  # two steps: chance
