"""TAPE's files: three formats, missing and cut files."""

import sys

import numpy as np
import pytest
from helpers.tape_data import COUNTS
from helpers.tape_data import GOOD
from helpers.tape_data import Small
from helpers.tape_data import in_csv
from helpers.tape_data import in_json
from helpers.tape_data import in_lmdb
from helpers.tape_data import in_packed_csv
from helpers.tape_data import in_packed_json
from helpers.tape_data import in_tarball
from helpers.tape_data import made_up
from helpers.tape_data import pickled
from helpers.tape_data import records
from helpers.tape_data import refused
from helpers.tape_data import write_lmdb
from helpers.tape_data import write_tarball

from keras_fpt.tasks.tape_files import read_split


class TestFormats:
    @pytest.mark.parametrize(
        "write",
        [
            in_json,
            in_packed_json,
            in_csv,
            in_packed_csv,
            in_tarball,
            in_lmdb,
        ],
    )
    @pytest.mark.parametrize("read_only", [False, True])
    def test_reads_back_what_was_written(self, write, read_only, tmp_path):
        write(tmp_path)
        folders = [path for path in tmp_path.rglob("*") if path.is_dir()]
        before = sorted(tmp_path.rglob("*"))
        for folder in (tmp_path, *folders):
            folder.chmod(0o555 if read_only else 0o755)
        try:
            for split in COUNTS:
                sequences, labels = read_split(tmp_path, split)
                assert (sequences, labels.tolist()) == made_up(split)
                assert labels.dtype == "int32"
        finally:
            for folder in (tmp_path, *folders):
                folder.chmod(0o755)
        # Nor is anything written where it could be, as by root.
        assert sorted(tmp_path.rglob("*")) == before

    def test_a_tarball_by_its_own_name(self, tmp_path):
        in_tarball(tmp_path)
        sequences, _ = read_split(tmp_path / "remote_homology.tar.gz", "valid")
        assert sequences == made_up("valid")[0]

    @pytest.mark.parametrize("protocol", [3, 4])
    @pytest.mark.parametrize("module", [b"numpy.core", b"numpy._core"])
    def test_arrays_of_old_and_new_numpy(self, tmp_path, protocol, module):
        values = pickled(records("valid", np.array), protocol)
        if protocol == 3:  # from 4 on, a length stands before each name
            for key, value in values.items():
                for name in (b"numpy._core", b"numpy.core"):
                    value = value.replace(name + b".multi", module + b".multi")
                values[key] = value
        write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
        sequences, _ = read_split(tmp_path, "valid")
        assert sequences == made_up("valid")[0]

    def test_lmdb_is_read_without_its_package(self, tmp_path, monkeypatch):
        in_lmdb(tmp_path)
        monkeypatch.setitem(sys.modules, "lmdb", None)
        assert read_split(tmp_path, "valid")[0] == made_up("valid")[0]

    @pytest.mark.parametrize("folder", [None, "absent", "."])
    def test_missing_data(self, folder, tmp_path, monkeypatch):
        monkeypatch.delenv("TAPE_DATA_DIR", raising=False)
        folder = folder and tmp_path / folder
        message = (
            "remote_homology_train.json.*train.csv.gz.*train.lmdb.*"
            "curl -O http://s3.amazonaws.com/songlabdata/.*remote_homology.tar"
            ".gz.*data_dir.*TAPE_DATA_DIR"
        )
        with pytest.raises(FileNotFoundError, match=message) as error:
            Small(data_dir=folder).train_data(4)
        assert "\n" not in str(error.value)

    def test_a_tarball_without_the_split(self, tmp_path):
        path = tmp_path / "remote_homology.tar.gz"
        write_tarball(path, {"remote_homology/notes.txt": b"none"})
        with pytest.raises(FileNotFoundError, match="no valid split"):
            read_split(tmp_path, "valid")

    def test_a_tarball_of_lmdb(self, tmp_path):
        name = "remote_homology/remote_homology_valid.lmdb/data.mdb"
        write_tarball(tmp_path / "remote_homology.tar.gz", {name: b"x"})
        with pytest.raises(ValueError, match="tar -xzf remote_homology.tar.gz"):
            read_split(tmp_path, "valid")


class TestDamaged:
    def test_a_missing_record_of_lmdb(self, tmp_path):
        values = pickled([GOOD, GOOD])
        del values["1"]
        write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
        refused(tmp_path, "record 1 is missing")

    @pytest.mark.parametrize(
        "write, share",
        [
            *((in_packed_json, share) for share in (0.0, 0.5, 0.999)),
            *((in_packed_csv, share) for share in (0.0, 0.5, 0.999)),
            # Cut behind the split, a tarball gives it all the same.
            *((in_tarball, share) for share in (0.0, 0.01, 0.5)),
            *((in_lmdb, share) for share in (0.0, 0.5, 0.999)),
        ],
    )
    def test_cut_files(self, write, share, tmp_path):
        write(tmp_path)
        for path in list(tmp_path.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                path.write_bytes(content[: int(share * len(content))])
        message = "cut or damaged: fetch it again"
        if share == 0 and "packed" in write.__name__:
            message = "empty"  # gzip takes no bytes for none packed
        refused(tmp_path, message)

    @pytest.mark.parametrize("write", [in_packed_json, in_packed_csv])
    def test_a_wrong_checksum(self, write, tmp_path):
        write(tmp_path)
        for path in tmp_path.rglob("*.gz"):
            content = bytearray(path.read_bytes())
            content[-8] ^= 1
            path.write_bytes(content)
        refused(tmp_path, "valid.*cut or damaged: fetch it again")

    @pytest.mark.parametrize(
        "name", ["remote_homology_valid.json.gz", "remote_homology.tar.gz"]
    )
    def test_what_is_no_archive(self, name, tmp_path):
        (tmp_path / name).write_text("<html>Not found</html>")
        refused(tmp_path, f"{name} is cut or damaged: fetch it again")
