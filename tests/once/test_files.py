"""Files: whole or not at all, whoever else writes them."""

import json
import threading

import pytest

from keras_fpt.files import write_json
from keras_fpt.files import write_whole


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "record.json"
    write_json({"a": 1}, path)

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_whole(path, fail)
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    """Each has a temporary file of its own; the last one wins."""
    path, seen = tmp_path / "record.json", []
    both = threading.Barrier(2)

    def write(number):
        def slowly(temporary):
            temporary.write_text(str(number))
            both.wait()
            seen.append(temporary)

        write_whole(path, slowly)

    threads = [threading.Thread(target=write, args=(i,)) for i in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 2
    assert path.read_text() in ("1", "2")
    assert list(tmp_path.iterdir()) == [path]


def test_the_suffix_is_kept(tmp_path):
    """NumPy adds its own to a name without."""
    path = tmp_path / "arrays.npz"
    write_whole(path, lambda temporary: temporary.write_bytes(b"x"))
    names = []

    def write(temporary):
        names.append(temporary.suffix)
        temporary.touch()

    write_whole(path, write)
    assert names == [".npz"]
