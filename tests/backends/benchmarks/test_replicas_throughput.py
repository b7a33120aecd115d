"""How fast replicas train: the script runs, small, and keeps its records."""

from helpers.marks import jax_only
from helpers.processes import ROOT
from helpers.processes import run_here
from helpers.processes import with_settings

import keras_fpt


@jax_only
def test_replicas_throughput(tmp_path, tiny_preset, monkeypatch):
    model = keras_fpt.FrozenPretrainedTransformer
    load = model.from_preset
    # Eight blocks compile long.
    monkeypatch.setattr(
        model, "from_preset", lambda name, **other: load(tiny_preset, **other)
    )
    code = (ROOT / "tables/benchmarks/replicas_throughput.py").read_text()
    settings = {"ROUNDS": 1, "COUNTS": (2,), "BLOCK": 2}
    script = tmp_path / "benchmarks" / "replicas_throughput.py"
    script.parent.mkdir()
    script.write_text(with_settings(code, **settings))
    for _ in range(2):  # the second finds its record
        lines = run_here(script, "bit_xor", "--steps", "2", cwd=tmp_path)
        cells = lines[-1].strip("| ").split(" | ")
        assert cells[:5] == ["bit_xor", "gpt2_tiny_en", "cpu", "2", "2"]
        assert len(cells) == 11 and all(float(cell) > 0 for cell in cells[5:])
    assert len(list((tmp_path / "results/benchmarks/replicas").iterdir())) == 1
