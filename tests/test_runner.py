"""Runs: never twice, and after a kill as if there had been none."""

import json
import subprocess
import sys

import keras
import models
import pytest
import records
import runner
from conftest import ROOT
from conftest import run_python
from experiment import Experiment
from experiment import options

# A process of its own, which ends itself by SIGKILL after some of its looks.
RUN = """
import json, os, pathlib, signal, sys
sys.path.insert(0, "tables")
if os.environ["KERAS_BACKEND"] == "torch":
    import torch
import models, runner
from experiment import Experiment

folder, preset, config, *kills = sys.argv[1:]
models.FOLDERS["tiny"] = preset

def note(line):
    print(line, flush=True)
    if line.split(":")[0] in kills:
        os.kill(os.getpid(), signal.SIGKILL)

experiment = Experiment.from_config(json.loads(config))
runner.run(experiment, pathlib.Path(folder), note)
"""


@pytest.fixture
def one(tiny_preset, monkeypatch):
    monkeypatch.setitem(models.FOLDERS, "tiny", tiny_preset)
    return Experiment(
        task="bit_xor",
        model="fpt",
        steps=30,
        evaluate_every=10,
        learning_rate=1e-2,
        scale="cpu",
        model_options=options(preset="tiny", initialization="random"),
        batch_size=8,
        num_validation=64,
    )


def in_a_process(experiment, folder, preset, *kills):
    """Runs it; returns whether it came to its end, and what it printed."""
    process = subprocess.run(
        [
            *(sys.executable, "-c", RUN, str(folder), preset),
            *(json.dumps(experiment.config()), *kills),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **__import__("os").environ,
            "KERAS_BACKEND": keras.backend.backend(),
            "PYTHONPATH": str(ROOT),
        },
    )
    assert process.returncode in (0, -9), process.stderr[-3000:]
    return process.returncode == 0, process.stdout


def test_a_run_that_is_killed_twice_ends_as_an_unbroken_one(
    one, tiny_preset, tmp_path
):
    whole, _ = in_a_process(one, tmp_path / "whole", tiny_preset)
    broken = tmp_path / "broken"
    kills = ("step 10", "step 20")
    ends = [
        in_a_process(one, broken, tiny_preset, *kills[i:]) for i in range(3)
    ]
    assert whole and [end for end, _ in ends] == [False, False, True]
    assert "goes on from step 20" in ends[-1][1]
    expected, found = (
        records.read(records.path_of(one, folder))
        for folder in (tmp_path / "whole", broken)
    )
    assert found["interruptions"] == 2 and expected["interruptions"] == 0
    for name in ("history", "test_at_best", "test_at_last", "best_step"):
        assert found[name] == expected[name]
    assert len(found["history"]) == 3
    # What a run leaves behind is its record.
    left = [path.name for path in (broken / "unfinished").iterdir()]
    assert not left


def test_a_run_is_not_repeated(one, tmp_path, monkeypatch):
    lines = []
    first = runner.run(one, tmp_path, lines.append)
    assert len(lines) == 3
    monkeypatch.setattr(runner, "_train", None)
    assert runner.run(one, tmp_path) == first
    assert first["parameters"]["trained"] < first["parameters"]["total"]
    assert first["backend"] == keras.backend.backend()
    assert first["host"] and first["packages"]["keras"]
    assert first["samples_per_second"] > 0 and first["peak_memory_mb"] > 100


def test_state_of_another_run_is_refused(one, tmp_path, monkeypatch):
    def stop(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(one, tmp_path, stop)
    (file,) = (tmp_path / "unfinished").glob("*.npz")
    other = one.with_(seed=5)
    file.rename(file.with_stem(other.key))
    with pytest.raises(ValueError, match="expected.*delete"):
        runner.run(other, tmp_path)


def test_a_loss_that_is_no_number_ends_the_run(one, tmp_path):
    record = runner.run(one.with_(learning_rate=1e30), tmp_path, str)
    assert record["diverged"] and record["test_at_last"] is None
    assert record["history"][-1]["loss"] is None
    assert record["history"][-1]["step"] < 30
    assert record["steps_to_convergence"] is None


def look(step, validation, loss=1.0):
    return {
        "step": step,
        "loss": loss,
        "accuracy": 0.5,
        "validation": validation,
    }


def test_convergence_is_where_it_stays_near_the_best():
    def steps(*accuracies):
        looks = [look(10 * i, a) for i, a in enumerate(accuracies, 1)]
        return runner.steps_to_convergence(looks)

    assert steps(0.5, 0.9, 0.896, 0.9) == 20
    assert steps(0.5, 0.9, 0.89, 0.9) == 40
    assert steps(0.5, 0.9, 0.5) is None
    assert steps(0.9) == 10
    assert runner.steps_to_convergence([]) is None
    diverged = [look(10, 0.9), look(20, None, None)]
    assert runner.steps_to_convergence(diverged) is None


def test_patience():
    looks = [look(10, 0.5), look(20, 0.9), look(30, 0.8)]
    assert not runner.has_stopped(looks, None)
    assert not runner.has_stopped(looks, 2)
    assert runner.has_stopped([*looks, look(40, 0.9)], 2)


def test_patience_ends_a_run_and_the_best_is_tested(one, tmp_path):
    record = runner.run(
        one.with_(learning_rate=0.5, steps=200, patience=2), tmp_path, str
    )
    steps = [entry["step"] for entry in record["history"]]
    if not record["diverged"]:
        assert record["stopped_early"] and steps[-1] < 200
        assert record["best_step"] == steps[-3]


def test_a_capped_run_is_no_result(tiny_preset, one, tmp_path):
    code = RUN + "\nprint(list(pathlib.Path(folder).glob('*.json')))"
    lines = run_python(
        code,
        *(tmp_path, tiny_preset, json.dumps(one.config())),
        backend=keras.backend.backend(),
        KERAS_MAX_STEPS_PER_EPOCH="2",
        PYTHONPATH=str(ROOT),
    ).splitlines()
    assert "no result" in lines[0] and lines[-1] == "[]"
