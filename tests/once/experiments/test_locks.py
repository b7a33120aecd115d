"""Locks: one process a run, all runs of a group or none, gone with it."""

import subprocess
import sys

from helpers.records import ONE

from keras_fpt.experiments.locks import locked

PAIR = [ONE, ONE.replace(seed=2)]
# Holds the lock of the first run until its input ends.
HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def test_all_of_a_group_or_none(tmp_path):
    with locked(PAIR[:1], tmp_path) as first:
        assert first
        with locked(PAIR, tmp_path) as both:
            assert not both
            # The other run was not kept locked.
            with locked(PAIR[1:], tmp_path) as second:
                assert second
    with locked(PAIR, tmp_path) as both:
        assert both
    assert not list((tmp_path / "unfinished").iterdir())


def test_a_lock_dies_with_its_process(tmp_path):
    (tmp_path / "unfinished").mkdir()
    path = tmp_path / "unfinished" / f"{ONE.key}.lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline()
    with locked([ONE], tmp_path) as mine:
        assert not mine
    process.kill()
    process.wait()
    with locked([ONE], tmp_path) as mine:
        assert mine
