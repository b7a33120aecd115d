"""Runs on a Ray cluster, whose workers may be lost."""

import os
import pathlib
import signal
import sys
import threading

import pytest
from helpers.marks import jax_only
from helpers.marks import once
from helpers.records import ONE

from keras_fpt.experiments import ray_cluster
from keras_fpt.experiments import records
from keras_fpt.experiments import runner
from keras_fpt.experiments import schedule
from keras_fpt.experiments import unfinished
from keras_fpt.experiments.experiment import options


def worker_of(home):
    """The process of a cluster that runs something, known by its folder."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if b"ray::run_remotely" in name and str(home).encode() in environment:
            return int(process.name)
    return None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@jax_only  # with replicas
def test_a_lost_worker_is_made_good(
    small_run, tiny_preset, tmp_path, monkeypatch
):
    """Two runs that train together are killed; a third is alone."""
    pytest.importorskip("ray")
    pair = small_run.replace(
        model_options=options(preset=tiny_preset), steps=60
    ).on_trunk({})
    group = [pair, pair.replace(seed=1), small_run]
    folder, home = tmp_path / "runs", tmp_path / "home"
    monkeypatch.setenv("KERAS_HOME", str(home))
    killed = []

    def kill():
        while not killed and not done.wait(0.02):
            if unfinished.unfinished(folder / "ray", {}) == [group[:2]]:
                worker = worker_of(home)
                if worker is not None:
                    os.kill(worker, signal.SIGKILL)
                    killed.append(worker)

    done = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        # One run at a time.
        ray = ray_cluster.Cluster("local", cpus=os.cpu_count())
        left = schedule.run_missing(group, folder, None, 2, ray)
    finally:
        done.set()
        killer.join()
    assert left == 0 and killed
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
    config = ONE.config()
    record = {"key": ONE.key, "experiment": config, "test_at_best": 0.5}
    monkeypatch.setattr(runner, "is_capped", lambda: True)
    ray_cluster.save_records([record], tmp_path, tmp_path, str)
    assert not list(tmp_path.iterdir())


@once
def test_without_ray(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install 'keras_fpt\[ray\]'"):
        ray_cluster.Cluster("local").run([], tmp_path, {})
