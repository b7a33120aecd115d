"""The cache of prepared data: made once, again where it is damaged."""

import io
import os
import warnings
import zipfile

import numpy as np
import pytest

from keras_fpt.cache import cache_folder
from keras_fpt.cache import cached
from keras_fpt.cache import expect_arrays


class TestCache:
    check = None
    arrays = {"x": np.arange(6).reshape(2, 3), "y": np.array([1, 2])}

    def make(self):
        self.calls = getattr(self, "calls", 0) + 1
        return self.arrays

    def read(self, folder):
        result = cached("name", self.make, folder, self.check)
        assert set(result) == {"x", "y"}
        for name, array in self.arrays.items():
            np.testing.assert_array_equal(result[name], array)
        return self.calls

    def test_makes_once(self, tmp_path):
        assert [self.read(tmp_path / "new") for _ in range(3)] == [1, 1, 1]

    @pytest.mark.parametrize(
        "damage", ["cut", "empty", "text", "one array", "huge"]
    )
    def test_damaged_files_are_made_again(self, tmp_path, damage):
        self.read(tmp_path)
        path = tmp_path / "name.npz"
        whole = path.read_bytes()
        if damage == "one array":
            with path.open("wb") as file:
                np.save(file, np.arange(3))
        elif damage == "huge":  # more than any memory holds
            header = io.BytesIO()
            form = {"descr": "<i8", "fortran_order": False}
            np.lib.format.write_array_header_1_0(
                header, {**form, "shape": (2**50,)}
            )
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("x.npy", header.getvalue())
        else:
            content = {"cut": whole[:-20], "empty": b"", "text": b"no array"}
            path.write_bytes(content[damage])
        with pytest.warns(UserWarning, match="name.npz.* damaged"):
            assert self.read(tmp_path) == 2
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert self.read(tmp_path) == 2

    def test_arrays_that_do_not_fit_are_made_again(self, tmp_path):
        def check(arrays, size):
            if arrays["x"].shape != (size,):
                raise ValueError("other arrays")

        def read(size):
            return cached(
                "name",
                lambda: {"x": np.zeros(size)},
                tmp_path,
                lambda arrays: check(arrays, size),
            )

        read(3)
        with pytest.warns(UserWarning, match="name.npz.*other arrays"):
            assert read(8)["x"].shape == (8,)
        assert read(8)["x"].shape == (8,)

    def test_arrays_that_do_not_pass_the_check(self, tmp_path):
        def check(arrays):
            expect_arrays(arrays, x="int64", y="int64")
            if arrays["y"].max() > 2:
                raise KeyError("anything")

        self.check = check
        assert self.read(tmp_path) == 1
        for damaged in (
            {"x": self.arrays["x"]},
            {**self.arrays, "x": np.zeros(3, "float32")},
            {**self.arrays, "y": np.array([1, 3])},
        ):
            before = self.calls
            np.savez(tmp_path / "name.npz", **damaged)
            with pytest.warns(UserWarning, match="name.npz.*made again"):
                assert self.read(tmp_path) == before + 1
            assert self.read(tmp_path) == before + 1

    def test_leftovers_of_killed_writers_go(self, tmp_path):
        self.read(tmp_path)
        left = tmp_path / f".part-{'0' * 32}-name.npz"
        left.touch()
        os.utime(left, (0, 0))
        self.read(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["name.npz"]

    def test_a_folder_that_refuses_files(self, tmp_path, monkeypatch):
        """As a read-only folder does, though not to root."""

        def refuse(source, target):
            raise PermissionError(13, "Permission denied", str(target))

        monkeypatch.setattr("os.replace", refuse)
        with pytest.warns(UserWarning, match="Cannot keep 'name'.*KERAS_FPT"):
            assert self.read(tmp_path) == 1
        assert not list(tmp_path.iterdir())  # nothing half written

    def test_where_it_lies(self, tmp_path, monkeypatch):
        monkeypatch.delenv("KERAS_FPT_CACHE", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert cache_folder() == tmp_path / "keras_fpt"
        monkeypatch.setenv("KERAS_FPT_CACHE", str(tmp_path / "here"))
        assert cache_folder() == tmp_path / "here"
        assert cache_folder(tmp_path / "there") == tmp_path / "there"
