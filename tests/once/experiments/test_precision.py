"""Three precisions: the script runs, small, and repeats no run."""

from helpers.processes import ROOT
from helpers.processes import run_here
from helpers.processes import with_settings


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
