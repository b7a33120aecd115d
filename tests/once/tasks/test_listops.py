"""The ListOps task: variants, splits, padding, cache."""

import concurrent.futures
import os
import warnings

import numpy as np
import pytest
from helpers.listops_oracle import SPLITS
from helpers.listops_oracle import make
from helpers.processes import run_python

from keras_fpt.tasks import listops
from keras_fpt.tasks.listops import ListOps
from keras_fpt.tasks.listops_trees import END
from keras_fpt.tasks.listops_trees import evaluate


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


class TestListOps:
    def test_sizes_of_the_paper(self, cache_dir):
        task = ListOps()
        assert task.inputs == {"num_tokens": 512, "vocabulary_size": 15}
        assert (task.outputs, task.readout) == (10, "last")
        assert not task.padding_mask
        counts = (
            task.num_train_examples,
            task.num_validation_examples,
            task.num_test_examples,
        )
        assert counts == (96_000, 2_000, 2_000)
        task = make(cache_dir=cache_dir)
        x, y = task.train_data(batch_size=4)[0]
        assert (x.shape, x.dtype) == ((4, 512), "int32")
        assert (y.shape, y.dtype) == ((4,), "int32")
        assert task.data("train").x.dtype == "uint8"
        x, y = task.test_examples()
        assert x.shape == (40, 512) and x.max() == 14
        assert not x[:, -1].any()  # read out at padding

    def test_sizes_of_long_range_arena(self, cache_dir):
        task = ListOps("lra")
        assert task.inputs == {"num_tokens": 2000, "vocabulary_size": 16}
        assert (task.outputs, task.readout) == (10, "last_real")
        assert task.padding_mask
        task = make("lra", cache_dir=cache_dir)
        assert task.inputs["num_tokens"] == 60
        x, y = task.train_data(batch_size=4)[0]
        tokens, mask = x["tokens"], x["padding_mask"]
        assert tokens.shape == mask.shape
        assert tokens.shape[1] in task.padded_lengths
        assert (tokens.dtype, mask.dtype, y.dtype) == ("int32", "bool", "int32")
        np.testing.assert_array_equal(tokens > 0, mask)
        last = tokens[np.arange(4), mask.sum(axis=1) - 1]
        assert (last == END).all()

    def test_paper_is_lra_without_brackets_and_cut(self, cache_dir):
        paper = make(num_tokens=24, cache_dir=cache_dir)
        whole = make("lra", cache_dir=cache_dir)
        cut = 0
        for split in SPLITS:
            short, long = paper.data(split), whole.data(split)
            np.testing.assert_array_equal(short.y, long.y)
            for row, full in zip(short.x, long.x, strict=True):
                kept = full[(full != END) & (full != 0)]
                cut += len(kept) > 24
                padding = np.zeros(max(0, 24 - len(kept)), "uint8")
                np.testing.assert_array_equal(
                    row, np.concatenate([kept[:24], padding])
                )
        assert 30 < cut < 240  # both happen

    def test_answers_are_values(self, cache_dir):
        data = make("lra", cache_dir=cache_dir).data("validation")
        tokens = np.concatenate(
            [row[:n] for row, n in zip(data.x, data.lengths, strict=True)]
        )
        np.testing.assert_array_equal(evaluate(tokens), data.y)

    def test_splits_share_no_expression(self, cache_dir):
        task = make("lra", cache_dir=cache_dir)
        rows = [row.tobytes() for s in SPLITS for row in task.data(s).x]
        assert len(set(rows)) == len(rows) == 270

    def test_padded_lengths_are_few_and_pad_little(self, cache_dir):
        task = make("lra", cache_dir=cache_dir)
        assert len(task.padded_lengths) == 6
        assert task.padded_lengths[-1] == 60
        assert task.padded_share(batch_size=4) < 0.15
        assert make(cache_dir=cache_dir).padded_share(batch_size=4) == 0
        widths = {x["tokens"].shape[1] for x, _ in task.test_data(8)}
        assert widths <= set(task.padded_lengths)
        lengths = ListOps("lra").padded_lengths
        assert lengths == (750, 1000, 1250, 1500, 1750, 2000)
        assert (
            ListOps("lra", min_length=1, max_length=5).padded_lengths[-1] == 5
        )

    def test_more_training_examples_leave_the_other_splits(self, cache_dir):
        small, large = (
            make("lra", num_train_examples=count, cache_dir=cache_dir)
            for count in (200, 500)
        )
        for split in ("validation", "test"):
            np.testing.assert_array_equal(
                small.data(split).x, large.data(split).x
            )
        np.testing.assert_array_equal(
            small.data("train").x, large.data("train").x[:200]
        )

    @pytest.mark.parametrize(
        "name, change",
        [
            ("values", lambda x: x + 9),
            ("values", lambda x: x[1:]),
            ("lengths", lambda x: x - x.max()),
            ("lengths", lambda x: x.astype("int64")),
            ("tokens", lambda x: x + END),
            ("tokens", lambda x: x[:-1]),
            ("trees", lambda x: np.zeros(1)),
        ],
    )
    def test_a_cache_of_other_arrays_is_made_again(
        self, name, change, cache_dir, tmp_path
    ):
        expected = make(cache_dir=cache_dir).data("test")
        make(cache_dir=tmp_path).data("test")
        (path,) = tmp_path.iterdir()
        with np.load(path) as file:
            arrays = dict(file)
        damaged = {**arrays, name: change(arrays.get(name))}
        np.savez(path, **damaged)
        with pytest.warns(UserWarning, match="listops-.*is made again"):
            read = make(cache_dir=tmp_path).data("test")
        np.testing.assert_array_equal(read.x, expected.x)
        np.testing.assert_array_equal(read.y, expected.y)

    def test_floor(self, cache_dir):
        task = make(
            min_length=500,
            max_length=2000,
            num_train_examples=4000,
            cache_dir=cache_dir,
        )
        shares = np.bincount(task.data("train").y, minlength=10) / 4000
        assert set(np.argsort(shares)[-2:]) == {0, 9}
        np.testing.assert_allclose(shares.max(), task.floor_accuracy, atol=0.03)
        # Shorter expressions have other shares.
        assert make(cache_dir=cache_dir).floor_accuracy is None

    def test_describe_names_the_variant(self, cache_dir):
        lines = []
        make("lra", cache_dir=cache_dir).describe(lines.append)
        assert "closing brackets" in "\n".join(lines)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"variant": "code"}, "'paper', 'lra'.*'code'"),
        ({"min_length": 0}, "min_length=0"),
        ({"max_length": 501}, "min_length=500, max_length=501"),
        ({"max_depth": 1}, "at least 2.*max_depth=1"),
        ({"max_args": 1}, "at least 2.*max_args=1"),
        ({"num_train_examples": 0}, "num_train_examples=0"),
        ({"num_validation_examples": 1.5}, "num_validation_examples=1.5"),
        ({"num_test_examples": -1}, "num_test_examples=-1"),
        ({"num_tokens": 0}, "num_tokens=0"),
        ({"generator_seed": -1}, "generator_seed=-1"),
        ({"generator_seed": 2**32}, "below 4294967296.*=4294967296"),
        ({"variant": "lra", "num_tokens": 1998}, "1999 .*num_tokens=1998"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        ListOps(**arguments)
    assert "\n" not in str(error.value)


FILL = """
import hashlib, pathlib, sys, time
from keras_fpt.tasks.listops import ListOps
folder, name, gate, count = *map(pathlib.Path, sys.argv[1:4]), sys.argv[4]
(gate / name).touch()
while len(list(gate.iterdir())) < 2:
    time.sleep(0.01)
task = ListOps(
    max_length=700,
    num_train_examples=int(count),
    num_validation_examples=10,
    num_test_examples=10,
    cache_dir=folder,
)
print(hashlib.sha256(task.data("train").x.tobytes()).hexdigest())
"""


class TestCache:
    def forbid(self, monkeypatch):
        def fail(*arguments):
            raise AssertionError("generated again")

        monkeypatch.setattr(listops, "generate", fail)

    def test_the_second_time_reads(self, tmp_path, monkeypatch):
        first = make(cache_dir=tmp_path)
        x = first.data("train").x
        self.forbid(monkeypatch)
        first.data("test")
        for variant in ("paper", "lra"):
            again = make(variant, cache_dir=tmp_path)
            assert len(again.data("test")) == 40
        again = make(cache_dir=tmp_path)
        np.testing.assert_array_equal(again.data("train").x, x)

    @pytest.mark.parametrize(
        "argument, value",
        [
            ("min_length", 21),
            ("max_length", 61),
            ("max_depth", 9),
            ("max_args", 9),
            ("num_train_examples", 201),
            ("generator_seed", 1),
        ],
    )
    def test_another_size_is_another_key(
        self, argument, value, tmp_path, monkeypatch
    ):
        make(cache_dir=tmp_path).data("test")
        self.forbid(monkeypatch)
        with pytest.raises(AssertionError, match="generated again"):
            make(cache_dir=tmp_path, **{argument: value}).data("test")

    def test_a_folder_that_cannot_be_written_warns_once(self, tmp_path):
        (tmp_path / "file").touch()
        task = make(cache_dir=tmp_path / "file" / "below")
        with pytest.warns(UserWarning, match="Cannot keep 'listops.*cache_dir"):
            x = task.data("train").x
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            task.data("test")  # drawn with the other splits
        np.testing.assert_array_equal(
            x, make(cache_dir=tmp_path / "other").data("train").x
        )

    def test_a_cut_file_is_made_anew(self, tmp_path):
        x = make(cache_dir=tmp_path).data("train").x
        (path,) = tmp_path.iterdir()
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.warns(UserWarning, match="damaged"):
            again = make(cache_dir=tmp_path).data("train").x
        np.testing.assert_array_equal(again, x)
        assert path.stat().st_size == len(whole)

    def test_two_processes_fill_it_at_once(self, tmp_path):
        cache, gate = tmp_path / "cache", tmp_path / "gate"
        gate.mkdir()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = [
                pool.submit(run_python, FILL, cache, name, gate, 300)
                for name in ("one", "other")
            ]
            one, other = [run.result() for run in runs]
        assert one == other
        (name,) = os.listdir(cache)
        assert name.endswith(".npz")
