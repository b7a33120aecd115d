"""Runs: never repeated, and after a kill as if there had been none."""

import itertools
import json
import re
import types

import keras
import pytest
from helpers.marks import once
from helpers.processes import run_process
from helpers.processes import run_python
from safetensors import safe_open

from keras_fpt.experiments import checkpoint
from keras_fpt.experiments import records
from keras_fpt.experiments import runner
from keras_fpt.experiments.experiment import options
from keras_fpt.trunks import values_hash

# A process of its own, which ends itself by SIGKILL: after an evaluation,
# or while it trains.
RUN = """
import json, os, pathlib, signal, sys
if os.environ["KERAS_BACKEND"] == "torch":
    import torch
from keras_fpt.experiments import Experiment, runner
from keras_fpt.tasks.batches import Stream

folder, configs, *kills = sys.argv[1:]
batch = Stream.batch

def kill_at(what):
    if what in kills:
        os.kill(os.getpid(), signal.SIGKILL)

def note(line):
    print(line, flush=True)
    kill_at(line.split(":")[0])

def noted_batch(stream, position, rng):
    kill_at(f"batch {position}")
    return batch(stream, position, rng)

Stream.batch = noted_batch
group = [Experiment.from_config(config) for config in json.loads(configs)]
runner.run(group, pathlib.Path(folder), note)
"""


def in_a_process(group, folder, *kills):
    """Runs it; returns whether it came to its end."""
    configs = json.dumps([each.config() for each in group])
    process = run_process(RUN, folder, configs, *kills)
    assert process.returncode in (0, -9), process.stderr[-3000:]
    return process.returncode == 0


@pytest.mark.compiled  # as the processes are
def test_a_run_that_is_killed_twice_ends_as_an_unbroken_one(
    small_run, tiny_preset, tmp_path
):
    # On JAX, two that train together, with data and dropout of their own.
    pretrained = small_run.replace(model_options=options(preset=tiny_preset))
    group = [pretrained]
    if keras.backend.backend() == "jax":
        group.append(pretrained.replace(seed=1))
    runner.run(group, tmp_path / "whole", str)
    broken = tmp_path / "broken"
    kills = ("step 10", "batch 25")
    assert not in_a_process(group, broken, *kills)
    assert not in_a_process(group, broken, *kills[1:])
    lines = []
    runner.run(group, broken, lines.append)
    assert lines[0] == "goes on from step 20"
    for experiment in group:
        expected, found = (
            records.read(records.find(experiment, folder))
            for folder in (tmp_path / "whole", broken)
        )
        assert found["interruptions"] == 2 and expected["interruptions"] == 0
        for name in ("history", "test_at_best", "test_at_last", "best_step"):
            assert found[name] == expected[name]
        assert len(found["history"]) == 3
        assert found["replicas"] == len(group)
    # What a run leaves behind is its record.
    left = [path.name for path in (broken / "unfinished").iterdir()]
    assert not left


@once
def test_a_run_is_not_repeated(small_run, tmp_path, monkeypatch):
    lines = []
    (first,) = runner.run([small_run], tmp_path, lines.append)
    assert len(lines) == 3
    monkeypatch.setattr(runner, "_train", None)
    assert runner.run([small_run], tmp_path) == [first]
    assert first["parameters"]["trained"] < first["parameters"]["total"]
    assert first["backend"] == keras.backend.backend()
    assert first["host"] and first["packages"]["keras"]
    trunk = first["trunk"]
    assert trunk["description"].endswith("random with seed 0")
    assert trunk["pretrained_sha256"] is None
    assert re.fullmatch("[0-9a-f]{64}", trunk["frozen_sha256"])
    assert first["samples_per_second"] > 0 and first["peak_memory_mb"] > 100


@once
def test_a_record_names_the_values_of_its_trunk(
    small_run, tiny_preset, tmp_path
):
    named = small_run.replace(
        model_options=options(preset="tiny"), steps=2, evaluate_every=2
    )
    presets = {"tiny": tiny_preset}
    (record,) = runner.run([named], tmp_path, str, presets)
    trunk = record["trunk"]
    # No folder of this machine.
    assert trunk["description"] == "2 blocks of tiny"
    assert trunk["pretrained_sha256"] == values_hash(tiny_preset)
    assert record["key"] == named.on_trunk(presets).key
    # As a file of what was trained has it.
    model = named.build(named.make_task(), presets)
    model.save_trained(tmp_path / "trained.safetensors")
    with safe_open(tmp_path / "trained.safetensors", "numpy") as file:
        assert trunk["frozen_sha256"] == file.metadata()["frozen_sha256"]


@once
def test_a_large_state_is_not_written_at_every_evaluation(
    small_run, tiny_preset, tmp_path, monkeypatch
):
    """And a run goes on from the evaluation that was written."""
    clock = itertools.count(step=2.0)  # two seconds for a state
    monkeypatch.setattr(
        checkpoint, "time", types.SimpleNamespace(perf_counter=clock.__next__)
    )

    def stop(line):
        if line.startswith("step 20"):
            raise KeyboardInterrupt

    (expected,) = runner.run([small_run], tmp_path / "whole", str)
    with pytest.raises(KeyboardInterrupt):
        runner.run(
            [small_run],
            tmp_path / "broken",
            stop,
            presets={"tiny": tiny_preset},
        )
    lines = []
    (found,) = runner.run(
        [small_run],
        tmp_path / "broken",
        lines.append,
        presets={"tiny": tiny_preset},
    )
    assert lines[0] == "goes on from step 10"
    for name in ("history", "test_at_best", "test_at_last"):
        assert found[name] == expected[name]


@once
def test_state_of_another_run_is_refused(small_run, tmp_path, monkeypatch):
    def stop(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run([small_run], tmp_path, stop)
    (file,) = (tmp_path / "unfinished").glob("*.npz")
    other = small_run.replace(seed=5)
    file.rename(file.with_stem(other.key))
    with pytest.raises(ValueError, match="expected.*delete"):
        runner.run([other], tmp_path)


@once
def test_a_loss_that_is_no_number_ends_the_run(small_run, tmp_path):
    (record,) = runner.run(
        [small_run.replace(learning_rate=1e30)],
        tmp_path,
        str,
    )
    assert record["diverged"] and record["test_at_last"] is None
    assert record["history"][-1]["loss"] is None
    assert record["history"][-1]["step"] < 30
    assert record["steps_to_convergence"] is None


@once
def test_patience_ends_a_run_and_the_best_is_tested(small_run, tmp_path):
    (record,) = runner.run(
        [small_run.replace(learning_rate=0.1, steps=400, patience=2)],
        tmp_path,
        str,
    )
    steps = [entry["step"] for entry in record["history"]]
    assert record["stopped_early"] and steps[-1] < 200
    assert record["best_step"] == steps[-3]


@once
def test_a_capped_run_is_no_result(small_run, tmp_path):
    code = RUN + "\nprint(list(pathlib.Path(folder).glob('*.json')))"
    lines = run_python(
        code,
        *(tmp_path, json.dumps([small_run.config()])),
        KERAS_MAX_STEPS_PER_EPOCH="2",
    ).splitlines()
    assert "no result" in lines[0] and lines[-1] == "[]"
