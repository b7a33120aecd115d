"""Files: whole or not at all, whoever else writes them."""

import errno
import json
import os
import threading
import time

import pytest
from helpers.processes import run_process

from keras_fpt import files
from keras_fpt.files import remove_leftovers
from keras_fpt.files import write_folder_whole
from keras_fpt.files import write_json
from keras_fpt.files import write_whole

HEX = "0123456789abcdef" * 2
TWO_DAYS = 2 * 24 * 60 * 60


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def age(path):
    """Makes it two days old."""
    then = time.time() - TWO_DAYS
    os.utime(path, (then, then))


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "record.json"
    write_json({"a": 1}, path)

    def fail(temporary):
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    message = f"Cannot write '{path}' .No space left on device.: free space"
    with pytest.raises(OSError, match=message) as error:
        write_whole(path, fail)
    assert error.value.errno == errno.ENOSPC and "\n" not in str(error.value)
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk(tmp_path):
    """A device that is always full, as the kernel says it."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")

    def write(temporary):
        temporary.write_bytes(b"half")
        with open("/dev/full", "wb") as file:
            file.write(b"more")

    with pytest.raises(OSError, match="Cannot write .*No space left"):
        write_whole(tmp_path / "a.npz", write)
    with pytest.raises(OSError, match="Cannot write .*No space left"):
        write_folder_whole(tmp_path / "b", lambda f: write(f / "c"))
    assert names_in(tmp_path) == []


def test_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace", "rename"):
        real = getattr(os, name)

        def noted(*arguments, name=name, real=real):
            done.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, noted)
    write_json(1, tmp_path / "a.json")
    assert done == ["fsync", "replace", "fsync"]  # the last of the folder
    done.clear()
    write_folder_whole(tmp_path / "f", lambda f: (f / "x").touch())
    assert done == ["fsync", "rename", "fsync"]


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


def test_the_suffixes_are_kept(tmp_path):
    """NumPy adds its own to a name without; Keras wants both of its own."""
    for name in ("arrays.npz", "model.weights.h5"):
        seen = []
        write_whole(
            tmp_path / name,
            lambda temporary, seen=seen: (
                seen.append(temporary.name),
                temporary.touch(),
            ),
        )
        assert seen[0].endswith(f"-{name}")


class TestFolders:
    def fill(self, **contents):
        def write(folder):
            for name, text in contents.items():
                (folder / name).write_text(text)

        return write

    def test_a_new_one_with_its_parents(self, tmp_path):
        folder = tmp_path / "a" / "b"
        write_folder_whole(folder, self.fill(config="1"))
        assert names_in(folder) == ["config"]
        assert names_in(tmp_path / "a") == ["b"]

    def test_an_old_one_keeps_files_that_are_not_written(self, tmp_path):
        folder = tmp_path / "b"
        write_folder_whole(folder, self.fill(config="1", weights="1"))
        (folder / "notes").mkdir()
        (folder / "notes" / "mine.txt").write_text("mine")
        write_folder_whole(folder, self.fill(config="2", weights="2"))
        assert (folder / "config").read_text() == "2"
        assert (folder / "weights").read_text() == "2"
        assert (folder / "notes" / "mine.txt").read_text() == "mine"
        assert names_in(tmp_path) == ["b"]

    def test_a_write_that_fails_leaves_the_old_one(self, tmp_path):
        folder = tmp_path / "b"
        write_folder_whole(folder, self.fill(config="1"))

        def fail(temporary):
            (temporary / "config").write_text("2")
            raise KeyError("anything")

        with pytest.raises(KeyError, match="anything"):
            write_folder_whole(folder, fail)
        assert (folder / "config").read_text() == "1"
        assert names_in(tmp_path) == ["b"]

    def test_a_file_of_that_name(self, tmp_path):
        (tmp_path / "b").write_text("a file")
        with pytest.raises(ValueError, match="is a file: expected"):
            write_folder_whole(tmp_path / "b", self.fill(config="1"))
        assert (tmp_path / "b").read_text() == "a file"


KILLED = """
import os, pathlib, runpy, signal, sys

def write(path):
    (path / "a" if path.is_dir() else path).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

# The module alone: the library takes seconds to import.
functions = runpy.run_path(sys.argv[1])
functions[sys.argv[2]](pathlib.Path(sys.argv[3]), write)
"""


class TestLeftOvers:
    @pytest.mark.parametrize("write", ["write_whole", "write_folder_whole"])
    def test_of_a_kill_go_a_day_later(self, write, tmp_path):
        path = tmp_path / "name.npz"
        assert run_process(KILLED, files.__file__, write, path).returncode == -9
        (left,) = tmp_path.iterdir()
        write_json(1, tmp_path / "a.json")
        assert left.exists()  # its writer might be at work
        for each in (*left.rglob("*"), left):
            age(each)
        write_json(1, tmp_path / "a.json")
        assert names_in(tmp_path) == ["a.json"]

    @pytest.mark.parametrize(
        "name", [f".arrays.{HEX}.npz", ".model.safetensors.4711.part"]
    )
    def test_of_earlier_versions(self, name, tmp_path):
        (tmp_path / name).touch()
        age(tmp_path / name)
        remove_leftovers(tmp_path)
        assert names_in(tmp_path) == []

    @pytest.mark.parametrize(
        "name", [".gitignore", "a.part", f"{HEX}.npz", ".part-1-mine", ".a.tmp"]
    )
    def test_what_others_wrote_stays(self, name, tmp_path):
        (tmp_path / name).touch()
        age(tmp_path / name)
        remove_leftovers(tmp_path)
        assert names_in(tmp_path) == [name]

    def test_what_is_being_written_stays(self, tmp_path):
        """As by a process that slept for two days."""

        def write(temporary):
            temporary.write_text("1")
            age(temporary)
            remove_leftovers(tmp_path)
            assert temporary.exists()

        write_whole(tmp_path / "a.json", write)
        assert names_in(tmp_path) == ["a.json"]

    def test_a_folder_that_is_not_there(self, tmp_path):
        remove_leftovers(tmp_path / "none")
        assert not (tmp_path / "none").exists()
