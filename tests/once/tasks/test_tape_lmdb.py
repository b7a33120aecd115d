"""TAPE's LMDB: pickles that would run something are refused."""

import os
import pickle

import numpy as np
import pytest
from helpers.tape_data import GOOD
from helpers.tape_data import pickled
from helpers.tape_data import refused
from helpers.tape_data import write_lmdb

from keras_fpt.tasks.tape_files import read_split


class Calls:
    """Pickles as a call, which reading the pickle naively would run."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class TestHostilePickles:
    @pytest.mark.parametrize("key", ["num_examples", "0"])
    @pytest.mark.parametrize("protocol", [0, 2, 4, 5])
    @pytest.mark.parametrize(
        "function, argument",
        [
            (os.system, "touch '{}'"),
            (eval, "open(r'{}', 'w')"),
            (np.savez, "{}"),
            (np.asarray, "{}"),
        ],
    )
    def test_nothing_runs(self, function, argument, key, protocol, tmp_path):
        mark = tmp_path / "mark.npz"
        call = Calls(function, argument.format(mark))
        bomb = pickle.dumps({**GOOD, "evolutionary": call}, protocol)
        try:
            pickle.loads(bomb)
            # Read naively, it does leave a mark: the test can fail.
            assert mark.exists() or function is np.asarray
            mark.unlink(missing_ok=True)
            values = {**pickled([GOOD]), key: bomb}
            write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
            name = function.__name__
            refused(tmp_path, f"record {key} is refused.*{name}.*not run")
            assert not mark.exists()
        finally:
            mark.unlink(missing_ok=True)

    def test_no_array_is_made(self, tmp_path):
        endless = Calls(np.ndarray, (2**62,), "u1")
        with pytest.raises((ValueError, MemoryError)):
            pickle.loads(pickle.dumps(endless))
        values = pickled([{**GOOD, "evolutionary": endless}])
        write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
        assert read_split(tmp_path, "valid")[0] == ["MKV"]

    @pytest.mark.parametrize(
        "value", [b"", b"no pickle", b"\x80\x04N", b"\x80\x04\x8c\xff"]
    )
    def test_damaged_pickles(self, value, tmp_path):
        values = {**pickled([GOOD]), "0": value}
        if not value:  # LMDB keeps no key for it on every version
            values["0"] = b"\x80"
        write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
        refused(tmp_path, "record 0 is refused")
