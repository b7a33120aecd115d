"""Remote homology with a model: what is too long, padding, evaluation."""

import numpy as np
import pytest
from helpers.backbones import make_backbone
from helpers.checks import check_learns
from helpers.marks import once
from helpers.tape_data import Small
from helpers.tape_data import in_csv
from helpers.tape_data import made_up

import keras_fpt

# Through the step as Keras compiles it.
pytestmark = pytest.mark.compiled


@pytest.fixture
def data_dir(tmp_path):
    in_csv(tmp_path)
    return tmp_path


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

    @once
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

    def test_it_learns_and_is_validated(self, backbone, data_dir):
        task = Small(data_dir=data_dir)
        model = self.model(backbone, task)
        check_learns(model, *task.train_data(4)[0])
        _, accuracy = model.evaluate(task.validation_data(), verbose=0)
        x, y = task.validation_examples()
        right = model.predict(x, verbose=0).argmax(-1) == y
        assert accuracy == pytest.approx(right.mean(), abs=1e-6)
        assert accuracy <= 10 / 12  # two are too long

    @once
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
