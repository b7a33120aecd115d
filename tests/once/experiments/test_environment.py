"""Hardware, versions and memory, as records note them."""

import subprocess

import keras
import numpy as np

import keras_fpt
from keras_fpt.experiments import environment


def test_versions_are_those_that_run():
    versions = environment.package_versions()
    assert versions["keras"] == keras.__version__
    assert versions["keras-fpt"] == keras_fpt.__version__
    assert versions["numpy"] == np.__version__


def test_names_of_the_hardware():
    assert "cores" in environment.cpu_name()
    assert environment.device()


def test_the_commit_is_of_the_callers_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert environment.commit() is None

    def git(*command):
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        run = ("git", *author, *command)
        subprocess.run(run, check=True, capture_output=True)

    git("init")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-m", "one")
    commit = environment.commit()
    assert len(commit) == 12
    (tmp_path / "file").write_text("two")
    assert environment.commit() == commit + "+"


def test_peak_memory_counts_from_the_reset():
    environment.reset_peak_memory()
    before = environment.peak_memory_mb()
    block = np.ones(30_000_000)  # 240 MB
    peak = environment.peak_memory_mb()
    assert peak > before + 200
    del block
    assert environment.peak_memory_mb() >= peak - 1


def test_peak_memory_is_the_devices_where_there_is_one(monkeypatch):
    monkeypatch.setattr(environment, "device_peak_memory", lambda: 3 * 2**20)
    assert environment.peak_memory_mb() == 3
    monkeypatch.setattr(environment, "device_peak_memory", lambda: None)
    host = environment.host_peak_memory_mb()
    assert environment.peak_memory_mb() >= host > 100
