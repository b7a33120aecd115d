"""Runs on a Ray cluster, and runs that another process has claimed."""

import os
import pathlib
import signal
import sys
import threading

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
from helpers.records import ONE


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
def test_a_lost_worker_is_made_good(
    small_run, tiny_preset, tmp_path, monkeypatch
):
    """Two runs that train together are killed; a third is alone."""
    pytest.importorskip("ray")
    pair = small_run.with_(model_options=options(preset="tiny"), steps=60)
    group = [pair, pair.with_(seed=1), small_run]
    folder, home = tmp_path / "runs", tmp_path / "home"
    monkeypatch.setenv("KERAS_HOME", str(home))
    killed = []

    def kill():
        while not killed and not done.wait(0.02):
            if progress.begun(folder / "ray") == [group[:2]]:
                worker = worker_of(home)
                if worker is not None:
                    os.kill(worker, signal.SIGKILL)
                    killed.append(worker)

    done = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    cells = [(None, "", experiment) for experiment in group]
    try:
        ray = cluster.Cluster("local", cpus=os.cpu_count())  # one at a time
        left = command.run_all(cells, folder, {"tiny": tiny_preset}, 2, ray)
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
