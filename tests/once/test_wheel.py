"""The wheel of a clean clone, away from the checkout: model, command, table."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from helpers.processes import ROOT
from helpers.processes import run_python

FROM_THE_WHEEL = """
import pathlib, sys
import keras_fpt

site = pathlib.Path(sys.argv[1])
assert pathlib.Path(keras_fpt.__file__).is_relative_to(site)
assert (site / "keras_fpt" / "py.typed").is_file()
model = keras_fpt.FrozenPretrainedTransformer.from_preset(
    "gpt2_tiny_en", inputs=(16, 3), outputs=2
)
assert model.count_params() > 6_000_000
"""
# A module of the user's own, which Ray workers cannot import.
OWN = """
import keras
import numpy as np
import keras_fpt

class Signs(keras_fpt.tasks.Task):
    inputs, outputs = (4, 2), 2
    num_validation_examples = num_test_examples = 16

    def sample(self, rng, batch_size):
        x = rng.normal(size=(batch_size, 4, 2)).astype("float32")
        return x, (x[:, 0, 0] > 0).astype("int32")

def dense(task, seed, width):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input(task.inputs),
            keras.layers.Flatten(),
            keras.layers.Dense(width, activation="relu"),
            keras.layers.Dense(task.outputs),
        ]
    )
"""
TABLE = """
import own
from keras_fpt.experiments import Recipe, Row, Scale, Table, main

ROWS = (
    Row.of_model("Dense", own.dense, width=8),
    Row.baseline("No trunk", "no_trunk", hidden_dim=8),
)
TABLE = Table("mine", "a table of my own", ROWS, (own.Signs(),))
SCALE = Scale("small", Recipe(steps=4, evaluate_every=2, batch_size=4))

if __name__ == "__main__":
    main(TABLE, SCALE)
"""
# Here, then on a cluster of this machine.
TWICE = """
import runpy
for where in ((), ("--ray", "local")):
    results = f"runs{len(where)}"
    sys.argv = ["table.py", "--seeds", "1", "--results", results, *where]
    runpy.run_path("table.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that the wheel is installed to."""
    pytest.importorskip("build")
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("needs the git checkout, to clone it")
    folder = tmp_path_factory.mktemp("wheel")

    def run(*command):
        process = subprocess.run(
            command, capture_output=True, text=True, cwd=folder
        )
        assert process.returncode == 0, process.stderr + process.stdout

    run("git", "clone", "--quiet", f"file://{ROOT}", "clone")
    # Without isolation: what it is built with is installed here already.
    build = ("build", "--wheel", "--no-isolation", "--outdir", "dist", "clone")
    run(sys.executable, "-m", *build)
    (wheel,) = (folder / "dist").glob("*.whl")
    assert wheel.stat().st_size < 20e6
    install = ("install", "--quiet", "--no-deps", "--target", "site", wheel)
    run(sys.executable, "-m", "pip", *install)
    return folder / "site"


class TestWheel:
    """One process installs it for all."""

    def test_the_command_compares(self, site, tmp_path):
        x = np.random.default_rng(0).normal(size=(40, 4, 2))
        np.savez(tmp_path / "data.npz", x=x, y=(x[:, 0, 0] > 0).astype(int))
        printed = run_python(
            site / "bin" / "keras-fpt",
            *("compare", "data.npz", "--rows", "lstm", "no_trunk"),
            *("--seeds", "2", "--steps", "2", "--learning-rates", "0.01"),
            *("--plot", "out.png"),
            cwd=tmp_path,
            PYTHONPATH=site,
        )
        assert "| no_trunk | " in printed and "points" in printed
        assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
        assert len(list((tmp_path / "results/compare").glob("*.json"))) == 4

    def test_a_table_of_ones_own_runs_here_and_on_ray(self, site, tmp_path):
        """And the embedded trunk is there."""
        pytest.importorskip("ray")
        (tmp_path / "own.py").write_text(OWN)
        (tmp_path / "table.py").write_text(TABLE)
        code = FROM_THE_WHEEL + TWICE
        lines = run_python(
            code, site, cwd=tmp_path, PYTHONPATH=site
        ).splitlines()
        for results in ("runs0", "runs2"):
            assert len(list((tmp_path / results).glob("signs-*.json"))) == 2
        rows = [line for line in lines if line.startswith("| Dense | ")]
        assert len(rows) == 2 and rows[0] == rows[1]
