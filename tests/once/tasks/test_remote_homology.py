"""Remote homology: real figures, variants, lengths, evaluation."""

import keras
import numpy as np
import pytest
from helpers.tape_data import COUNTS
from helpers.tape_data import LETTERS
from helpers.tape_data import Small
from helpers.tape_data import in_csv
from helpers.tape_data import made_up

from keras_fpt.tasks.remote_homology import RemoteHomology


@pytest.fixture
def data_dir(tmp_path):
    in_csv(tmp_path)
    return tmp_path


@pytest.fixture
def tape(shared):
    return shared / "data/tape_remote_homology"


class TestRealData:
    @pytest.fixture(scope="class")
    def kept(self):
        """Reads each form of the task once."""
        return {}

    @pytest.fixture(params=["paper", "code"])
    def task(self, request, tape, kept):
        if request.param not in kept:
            kept[request.param] = RemoteHomology(request.param, tape)
        return kept[request.param]

    def test_counts_labels_and_what_is_too_long(self, task):
        added = 0 if task.variant == "paper" else 2
        train = task.data("train")
        validation, test = task.data("validation"), task.data("test")
        assert len(train) == 12_312 - 7 == task.num_train_examples
        assert len(validation) == 736
        # Of two folds, every protein to train on is too long.
        assert np.unique(train.y).tolist() == [
            fold for fold in range(1195) if fold not in (394, 1071)
        ]
        assert train.lengths.min() == 17 + added
        assert train.lengths.max() <= 1024
        assert sorted(validation.y[validation.y < 0]) == [-1, -1]
        assert (validation.lengths[validation.y < 0] == 1024).all()
        assert np.bincount(train.y).argmax() == 36
        assert (train.y == 36).sum() == 981
        right = (test.y == 36).mean()
        assert task.floor_accuracy == pytest.approx(right)
        if task.variant == "paper":
            assert len(test) == 718 and test.y.min() == 0
        else:
            np.testing.assert_array_equal(test.y, validation.y)

    def test_few_shapes_and_little_padding(self, task):
        stream = task.train_data(16)
        shapes = {stream[i][0]["tokens"].shape for i in range(100)}
        assert shapes <= {(16, length) for length in task.padded_lengths}
        assert len(task.padded_lengths) <= 6
        assert task.padded_share(16) < 0.22
        fixed = task.validation_data(16)
        lengths = [fixed[i][0]["tokens"].shape[1] for i in range(46)]
        assert lengths[0] == 1024  # what is too long for memory says so first
        assert set(lengths) <= set(task.padded_lengths)

    def test_every_row_once_an_epoch(self, task):
        order = task.train_data(16, seed=1).order
        size = order.pool_size
        for epoch in range(20):
            places = range(epoch * size, (epoch + 1) * size)
            rows = np.concatenate([order.rows(place) for place in places])
            assert len(np.unique(rows)) == len(rows) == 12_305 // 16 * 16


class TestForms:
    def test_paper(self, data_dir):
        task = Small(data_dir=data_dir)
        assert task.inputs["vocabulary_size"] == 26
        assert task.outputs == 1195
        assert (task.readout, task.padding_mask) == ("last_real", True)
        assert task.splits["test"] == "fold hold-out"
        assert task.learning_rate == 1e-4
        sequences, labels = made_up("valid")
        x, y = task.validation_examples()
        assert x["tokens"].dtype == y.dtype == "int32"
        for sequence, row, mask in zip(
            sequences, x["tokens"], x["padding_mask"], strict=True
        ):
            expected = [1 + LETTERS.index(letter) for letter in sequence[:32]]
            assert row[mask].tolist() == expected
            assert not row[~mask].any()
        assert y.tolist() == [-1, *labels[1:-1], -1]
        assert len(task.data("train")) == 38

    def test_code(self, data_dir):
        task = Small("code", data_dir)
        assert task.inputs["vocabulary_size"] == 30
        assert task.outputs == 1200
        assert (task.readout, task.padding_mask) == ("last", True)
        assert task.splits["test"] == "valid"
        sequences, _ = made_up("valid")
        x, y = task.test_examples()
        assert x["padding_mask"].all()
        for sequence, row in list(zip(sequences, x["tokens"], strict=True))[
            1:-1
        ]:
            letters = [5 + LETTERS.index(letter) for letter in sequence]
            assert row[: len(letters) + 2].tolist() == [2, *letters, 3]
            assert not row[len(letters) + 2 :].any()
        assert (y == -1).sum() == 2
        x, _ = task.train_data(4)[0]
        assert x["padding_mask"].all()

    def test_other_holdouts(self):
        task = RemoteHomology(test_split="test_family_holdout")
        assert task.num_test_examples == 1_272
        assert task.splits["test"] == "family hold-out"
        assert task.floor_accuracy is None

    def test_each_is_named(self):
        for variant in RemoteHomology.variants:
            task = RemoteHomology(variant)
            facts = task.describe(print_fn=lambda line: None)
            assert facts["train (train)"] == 12_305

    def test_environment_variable(self, data_dir, monkeypatch):
        monkeypatch.setenv("TAPE_DATA_DIR", str(data_dir))
        assert len(Small().data("train")) == 38

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"variant": "lra"}, "'paper', 'code'.*variant='lra'"),
            ({"test_split": "test"}, "test_fold_holdout.*test_split='test'"),
            (
                {"variant": "code", "test_split": "test_family_holdout"},
                "validation split.*test_split='test_family_holdout'",
            ),
        ],
    )
    def test_refusals(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            RemoteHomology(**arguments)

    @pytest.mark.parametrize("split", ["train", "validation", "test"])
    def test_a_file_with_too_few_rows(self, data_dir, split):
        name = Small().file_splits[split]
        path = data_dir / f"{name}.csv"
        path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:-1]))
        count = COUNTS[name]
        with pytest.raises(
            ValueError, match=f"{name} split has {count}.*Received {count - 1}"
        ):
            Small(data_dir=data_dir).data(split)


def test_recipe_is_the_originals():
    arguments = RemoteHomology().compile_args()
    adam = arguments["optimizer"]
    rate = keras.ops.convert_to_numpy(adam.learning_rate)
    assert float(rate) == pytest.approx(1e-4)
    assert adam.global_clipnorm == 1.0
    rate = RemoteHomology().compile_args(1e-3)["optimizer"].learning_rate
    assert float(keras.ops.convert_to_numpy(rate)) == pytest.approx(1e-3)
