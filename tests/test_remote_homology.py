"""Remote homology: real figures, variants, lengths, evaluation."""

import keras
import numpy as np
import pytest
from conftest import make_backbone
from tape_data import COUNTS
from tape_data import LETTERS
from tape_data import Small
from tape_data import in_csv
from tape_data import made_up

import keras_fpt
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


class TestWithModels:
    @pytest.fixture
    def backbone(self):
        return make_backbone(num_layers=1)

    def model(self, backbone, task):
        model = keras_fpt.FrozenPretrainedTransformer(backbone, task=task)
        model.compile(**task.compile_args())
        return model

    def test_evaluation_counts_what_is_too_long_as_wrong(
        self, backbone, data_dir
    ):
        task = Small(data_dir=data_dir)
        model = self.model(backbone, task)
        x, y = task.test_examples()
        logits = model.predict(x, verbose=0)
        # Labels as the model answers, but for those that are too long.
        fits = y >= 0
        sequences, labels = made_up("test_fold_holdout")
        answers = np.where(np.arange(len(y)) % 3, logits.argmax(-1), labels)
        rows = zip(sequences, answers, strict=True)
        lines = ["seq,label", *(f"{seq},{label}" for seq, label in rows)]
        (data_dir / "test_fold_holdout.csv").write_text("\n".join(lines))

        task = Small(data_dir=data_dir)
        x, y = task.test_examples()
        expected = (logits.argmax(-1) == y).mean()
        assert fits.sum() == len(y) - 2 and 0 < expected <= 14 / 16
        data = task.test_data(8)
        result = model.evaluate(data, verbose=0, return_dict=True)
        assert result["accuracy"] == pytest.approx(expected)
        peak = logits.max(-1)
        total = np.log(np.exp(logits - peak[:, None]).sum(-1)) + peak
        losses = total - logits[np.arange(len(y)), y]
        batches = [data.order.rows(index) for index in range(2)]
        means = [losses[rows][fits[rows]].mean() for rows in batches]
        assert result["loss"] == pytest.approx(np.mean(means), rel=1e-4)

    def test_what_is_too_long_trains_nothing(self, backbone, data_dir):
        task = Small(data_dir=data_dir)
        x, y = task.validation_examples()
        model = self.model(backbone, task)
        model.compile("sgd", task.compile_args()["loss"])
        before = [np.array(value) for value in model.get_weights()]

        def step(rows):
            """The loss on some rows, and the values after one step."""
            model.set_weights(before)
            batch = {name: array[rows] for name, array in x.items()}
            model.reset_metrics()
            logs = model.train_on_batch(batch, y[rows], return_dict=True)
            loss = float(logs["loss"])
            return loss, [np.array(value) for value in model.get_weights()]

        assert np.flatnonzero(y < 0).tolist() == [0, 11]
        loss, after = step([0, 11, 0, 11])
        assert loss == 0
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(old, new)
        # A mixed batch has the loss and the step of its other rows.
        mixed, one = step([0, 1, 2, 11])
        alone, other = step([1, 2, 1, 2])
        assert mixed == pytest.approx(alone, rel=1e-5)
        for a, b in zip(one, other, strict=True):
            assert np.isfinite(a).all()
            np.testing.assert_allclose(a, b, atol=1e-5)
        assert any((a != b).any() for a, b in zip(one, before, strict=True))

    def test_more_padding_changes_nothing(self, backbone, data_dir):
        task = Small(data_dir=data_dir)
        model = self.model(backbone, task)
        data = task.data("train")
        rows = np.flatnonzero(data.lengths <= 16)
        short, _ = task.examples_at("train", rows)
        assert short["tokens"].shape[1] == 16
        longest = data.lengths.argmax()
        long, _ = task.examples_at("train", np.append(rows, longest))
        assert long["tokens"].shape[1] == 32
        one = model.predict(short, verbose=0)
        two = model.predict(long, verbose=0)
        np.testing.assert_allclose(one, two[:-1], atol=1e-5)

    def test_trains_and_evaluates(self, backbone, data_dir):
        task = Small(data_dir=data_dir)
        model = self.model(backbone, task)
        history = model.fit(
            task.train_data(4),
            steps_per_epoch=4,
            validation_data=task.validation_data(),
            shuffle=False,
            verbose=0,
        ).history
        assert np.isfinite(history["loss"]).all()
        assert np.isfinite(history["val_loss"]).all()
        assert history["val_accuracy"][0] <= 10 / 12

    def test_code_reads_out_the_padded_end(self, backbone, data_dir):
        task = Small("code", data_dir)
        model = self.model(backbone, task)
        short, _ = task.examples_at("train", task.data("train").lengths < 17)
        far = {
            "tokens": np.pad(short["tokens"], ((0, 0), (0, 16))),
            "padding_mask": np.ones((len(short["tokens"]), 32), bool),
        }
        one = model.predict(short, verbose=0)
        two = model.predict(far, verbose=0)
        assert one.shape == two.shape == (len(one), 1200)
        assert (np.abs(one - two).max(axis=1) > 1e-3).all()


def test_recipe_is_the_originals():
    arguments = RemoteHomology().compile_args()
    adam = arguments["optimizer"]
    rate = keras.ops.convert_to_numpy(adam.learning_rate)
    assert float(rate) == pytest.approx(1e-4)
    assert adam.global_clipnorm == 1.0
    rate = RemoteHomology().compile_args(1e-3)["optimizer"].learning_rate
    assert float(keras.ops.convert_to_numpy(rate)) == pytest.approx(1e-3)
