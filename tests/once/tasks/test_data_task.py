"""Tasks on files: epochs, batches of like length, counts, the cache."""

import warnings

import numpy as np
import pytest

from keras_fpt import tasks
from keras_fpt.tasks.batches import Batches
from keras_fpt.tasks.cache import cache_folder
from keras_fpt.tasks.cache import cached
from keras_fpt.tasks.order import FixedOrder
from keras_fpt.tasks.order import ShuffledOrder


class TestShuffledOrder:
    @pytest.mark.parametrize("num_rows, batch_size", [(103, 10), (7, 16)])
    def test_each_row_once_an_epoch(self, num_rows, batch_size):
        order = ShuffledOrder(num_rows, batch_size, seed=3)
        num_batches = 20 * num_rows // batch_size + 1
        rows = np.concatenate([order.rows(i) for i in range(num_batches)])
        epochs = rows[: 20 * num_rows].reshape(20, num_rows)
        for epoch in epochs:
            np.testing.assert_array_equal(np.sort(epoch), np.arange(num_rows))
        assert len({tuple(epoch) for epoch in epochs}) == 20

    def test_groups_share_batches_and_no_row_comes_twice(self):
        groups = np.random.default_rng(0).integers(4, size=103)
        order = ShuffledOrder(103, 10, seed=3, groups=groups)
        sat_out = set()
        for epoch in range(30):
            batches = [order.rows(10 * epoch + i) for i in range(10)]
            rows = np.concatenate(batches)
            assert len(np.unique(rows)) == 100
            sat_out |= set(range(103)) - set(rows)
            mixed = sum(len(set(groups[batch])) > 1 for batch in batches)
            assert mixed <= 3  # one at each border
        assert len(sat_out) > 30  # others in each epoch
        # Batches do not come by group.
        first = [groups[order.rows(i)].min() for i in range(10)]
        assert first != sorted(first)

    def test_another_seed_is_another_order(self):
        one, other = (ShuffledOrder(50, 10, seed) for seed in (0, 1))
        assert (one.rows(0) != other.rows(0)).any()


class TestFixedOrder:
    def test_by_length(self):
        lengths = np.repeat([8, 16, 32], [55, 30, 18])
        order = FixedOrder(103, 10, lengths)
        batches = [order.rows(i) for i in range(order.num_batches)]
        np.testing.assert_array_equal(
            np.sort(np.concatenate(batches)), np.arange(103)
        )
        longest = [lengths[batch].max() for batch in batches]
        assert longest[0] == 32
        assert longest != sorted(longest, reverse=True)
        assert sum(len(set(lengths[batch])) > 1 for batch in batches) <= 2

    def test_batches_say_which_rows_they_hold(self):
        tokens = np.arange(40).reshape(10, 4)
        lengths = np.array([2, 4, 2, 4, 2, 4, 2, 4, 2, 4])
        data = Batches(({"tokens": tokens}, np.arange(10)), 3, lengths)
        for index in range(4):
            x, y = data[index]
            rows = data.order.rows(index)
            np.testing.assert_array_equal(y, rows)
            length = lengths[rows].max()
            np.testing.assert_array_equal(x["tokens"], tokens[rows, :length])

    def test_arrays_of_one_axis_are_left_alone(self):
        x, _ = Batches((np.arange(5), np.arange(5)), 3)[1]
        np.testing.assert_array_equal(x, [3, 4])


class Lengths(tasks.DataTask):
    """Sequences of several lengths; the answer is the length."""

    inputs, outputs = {"num_tokens": 9, "vocabulary_size": 5}, 10
    readout, padding_mask = "last_real", True
    padded_lengths = (4, 9)
    num_train_examples, num_validation_examples, num_test_examples = 50, 20, 20

    def load(self, split):
        count = 50 if split == "train" else 20
        lengths = np.random.default_rng(count).integers(1, 10, size=count)
        x = np.where(np.arange(9) < lengths[:, None], 3, 0).astype("uint8")
        return tasks.Data(x, lengths, lengths)

    def tokens(self, x, rng):
        return x.astype("int32")


class TestDataTask:
    def test_batches_are_padded_no_further_than_they_need(self):
        task = Lengths()
        seen = set()
        for data in (task.train_data(8), task.validation_data(8)):
            for index in range(data.num_batches or 12):
                x, y = data[index]
                tokens, mask = x["tokens"], x["padding_mask"]
                seen.add(tokens.shape[1])
                np.testing.assert_array_equal(mask.sum(axis=1), y)
                np.testing.assert_array_equal(tokens != 0, mask)
                assert tokens.shape[1] == (4 if y.max() <= 4 else 9)
        assert seen == {4, 9}
        assert 0 < task.padded_share(8) < 0.5

    def test_each_split_is_read_once(self):
        class Counting(Lengths):
            reads = 0

            def load(self, split):
                self.reads += 1
                return super().load(split)

        task = Counting()
        for _ in range(2):
            task.train_data(4)[0]
            task.validation_examples()
            task.test_data()[0]
        assert task.reads == 3

    @pytest.mark.parametrize(
        "changes, message",
        [
            ({"num_train_examples": 51}, "train .* 51 ex.* Received 50: .*cut"),
            ({"num_train_examples": None}, "set `num_train_examples`.* 50 ex"),
            ({"padded_lengths": ()}, r"`padded_lengths`.*\(\) .*up to 9"),
            ({"padded_lengths": (4, 8)}, r"\(4, 8\) for rows of up to 9"),
        ],
    )
    def test_refusals(self, changes, message):
        task = type("Wrong", (Lengths,), changes)()
        with pytest.raises(ValueError, match=message) as error:
            task.train_data(4)
        assert "\n" not in str(error.value)

    def test_a_task_of_ones_own_describes_itself(self):
        class Mine(Lengths):
            variant = "second"

        lines = []
        facts = Mine().describe(lines.append)
        assert facts["variant"] == "second"
        assert facts["train (train)"] == 50


class TestCache:
    arrays = {"x": np.arange(6).reshape(2, 3), "y": np.array([1, 2])}

    def make(self):
        self.calls = getattr(self, "calls", 0) + 1
        return self.arrays

    def read(self, folder):
        result = cached("name", self.make, folder)
        assert set(result) == {"x", "y"}
        for name, array in self.arrays.items():
            np.testing.assert_array_equal(result[name], array)
        return self.calls

    def test_makes_once(self, tmp_path):
        assert [self.read(tmp_path / "new") for _ in range(3)] == [1, 1, 1]

    @pytest.mark.parametrize("damage", ["cut", "empty", "text", "one array"])
    def test_damaged_files_are_made_anew(self, tmp_path, damage):
        self.read(tmp_path)
        path = tmp_path / "name.npz"
        whole = path.read_bytes()
        if damage == "one array":
            with path.open("wb") as file:
                np.save(file, np.arange(3))
        else:
            content = {"cut": whole[:-20], "empty": b"", "text": b"no array"}
            path.write_bytes(content[damage])
        with pytest.warns(UserWarning, match="name.npz.* damaged"):
            assert self.read(tmp_path) == 2
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert self.read(tmp_path) == 2

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
