"""LMDB files: read as the package lmdb does, and damaged in every place."""

import numpy as np
import pytest
from helpers.tape_data import write_lmdb

from keras_fpt.tasks.lmdb_file import LMDBFile

PAGE = 4096


def some_values(count):
    """Of every kind of page: a deep tree, short values and long ones."""
    rng = np.random.default_rng(0)
    sizes = [0, 1, 30, 1900, 2100, 9000]
    return {str(i): rng.bytes(sizes[i % len(sizes)]) for i in range(count)}


def read(path):
    with LMDBFile(path) as file:
        return {key.decode(): file.get(key) for key in file._places}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lmdb") / "values.lmdb"
    write_lmdb(folder, some_values(60))
    return folder


def test_reads_what_lmdb_wrote(folder):
    expected = some_values(60)
    assert read(folder) == expected
    assert read(folder / "data.mdb") == expected
    with LMDBFile(folder) as file:
        assert file.get(b"60") is None
    # Neither a lock nor anything else lies beside it.
    assert [path.name for path in folder.iterdir()] == ["data.mdb"]


def test_the_newest_transaction_counts(tmp_path):
    path = tmp_path / "a.lmdb"
    for value in (b"1", b"2", b"3"):
        write_lmdb(path, {"key": value})
        assert read(path) == {"key": value}


def test_an_empty_one(tmp_path):
    write_lmdb(tmp_path / "a.lmdb", {})
    with LMDBFile(tmp_path / "a.lmdb") as file:
        assert file.get(b"0") is None


def damaged(path, content):
    """Reads a damaged file: whatever it holds, or one line that names it."""
    path.write_bytes(content)
    try:
        return read(path)
    except ValueError as error:
        message = str(error)
        assert str(path) in message and "\n" not in message
        assert "cut or damaged: fetch it again" in message
        return None


def test_a_file_that_is_cut_anywhere(folder, tmp_path):
    content = (folder / "data.mdb").read_bytes()
    for size in [
        0,
        10,
        100,
        PAGE,
        PAGE + 50,
        *range(2 * PAGE, len(content), PAGE),
    ]:
        assert damaged(tmp_path / "data.mdb", content[:size]) is None, size


def test_pages_of_noise(folder, tmp_path):
    content = (folder / "data.mdb").read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for start in range(0, len(content), PAGE):
        noise = content[:start] + rng.bytes(PAGE) + content[start + PAGE :]
        refused += damaged(tmp_path / "data.mdb", noise) is None
    # Pages inside of values say nothing.
    assert refused > 10


def test_damaged_headers_and_pointers(folder, tmp_path):
    """Bytes of each page's header and first pointers, one by one."""
    content = (folder / "data.mdb").read_bytes()
    refused = 0
    for place in range(0, len(content), 509):
        start = place // PAGE * PAGE + place % 48
        changed = bytearray(content)
        changed[start] ^= 0x5A
        refused += damaged(tmp_path / "data.mdb", bytes(changed)) is None
    assert refused > 50


def test_a_tree_that_bites_its_tail(folder, tmp_path):
    content = bytearray((folder / "data.mdb").read_bytes())
    (root,) = {
        int.from_bytes(content[start + 128 : start + 136], "little")
        for start in (0, PAGE)
    } - {2**64 - 1}
    first = int.from_bytes(content[root * PAGE + 16 :][:2], "little")
    # The first child of the root becomes the root.
    place = root * PAGE + first
    content[place : place + 2] = root.to_bytes(2, "little")
    (tmp_path / "data.mdb").write_bytes(content)
    with pytest.raises(ValueError, match=f"page {root} is met twice"):
        read(tmp_path / "data.mdb")
