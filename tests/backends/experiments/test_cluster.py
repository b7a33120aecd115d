"""Runs on a Ray cluster, and runs that another process has claimed."""

import json
import os
import pathlib
import signal
import sys
import time

import cluster
import command
import models
import progress
import pytest
import records
import runner
from experiment import options
from helpers.marks import jax_only
from helpers.marks import once
from helpers.processes import start_process
from helpers.records import ONE

# A table's runs on a cluster that it starts here.
DRIVE = """
import json, os, pathlib, sys
import command
from cluster import Cluster
from experiment import Experiment

folder, preset, configs = sys.argv[1:]
cells = [(None, "", Experiment.from_config(c)) for c in json.loads(configs)]
cluster = Cluster("local", cpus=os.cpu_count())  # one run at a time
sys.exit(command.run_all(
    cells, pathlib.Path(folder), {"tiny": preset}, 2, cluster
))
"""


def worker_of(home):
    """The process of a cluster that runs something, known by its folder."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if b"ray::work" in name and str(home).encode() in environment:
            return int(process.name)
    return None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@jax_only  # with replicas
def test_a_lost_worker_is_made_good(small_run, tiny_preset, tmp_path):
    """Two runs that train together are killed; a third is alone."""
    pytest.importorskip("ray")
    pair = small_run.with_(model_options=options(preset="tiny"), steps=60)
    group = [pair, pair.with_(seed=1), small_run]
    folder, home = tmp_path / "runs", tmp_path / "home"
    configs = json.dumps([each.config() for each in group])
    driver = start_process(DRIVE, folder, tiny_preset, configs, KERAS_HOME=home)
    killed, end = False, time.monotonic() + 300
    while driver.poll() is None and not killed and time.monotonic() < end:
        time.sleep(0.02)
        if progress.begun(folder / "ray") == [group[:2]]:
            worker = worker_of(home)
            if worker is not None:
                os.kill(worker, signal.SIGKILL)
                killed = True
    try:
        printed, complaints = driver.communicate(timeout=300)
    finally:
        driver.kill()
    assert driver.returncode == 0, printed + complaints[-3000:]
    assert killed
    found = records.read_all(folder)
    assert set(found) == {each.key for each in group}
    for experiment, interruptions in zip(group, (1, 1, 0), strict=True):
        record = found[experiment.key]
        assert record["interruptions"] == interruptions
        assert record["replicas"] == 1 + interruptions
        assert record["commit"]
    assert not (folder / "ray").exists()
    alone = runner.run(group[:2], tmp_path / "alone", str)
    for record in alone:
        assert found[record["key"]]["history"] == record["history"]


@once
def test_a_capped_run_of_a_worker_is_no_result(tmp_path, monkeypatch):
    record = {"experiment": ONE.config(), "test_at_best": 0.5}
    monkeypatch.setattr(runner, "is_capped", lambda: True)
    cluster.keep([record], tmp_path, tmp_path, str)
    assert not list(tmp_path.iterdir())


@once
def test_what_another_process_runs_is_left_to_it(
    small_run,
    tiny_preset,
    tmp_path,
    monkeypatch,
    capsys,
):
    monkeypatch.setitem(models.FOLDERS, "tiny", tiny_preset)
    cells = [(None, "", small_run), (None, "", small_run.with_(seed=1))]
    ran = []
    monkeypatch.setattr(
        runner, "run", lambda group, *_: ran.extend(group) or []
    )
    with command.claimed([small_run], tmp_path) as mine:
        assert mine
        # Together or not at all.
        pair = [small_run.with_(seed=2), small_run]
        with command.claimed(pair, tmp_path) as again:
            assert not again
        with command.claimed(pair[:1], tmp_path) as free:
            assert free
        assert command.run_all(cells, tmp_path, {}) == 1
    assert ran == [small_run.with_(seed=1)]
    assert "another process has it" in capsys.readouterr().out
    assert command.run_all(cells[:1], tmp_path, {}) == 0
    assert ran[1:] == [small_run]


@once
def test_without_ray(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install 'keras_fpt\[ray\]'"):
        cluster.Cluster("local").run([], tmp_path, {})
