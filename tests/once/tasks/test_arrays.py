"""ArrayTask: splits, batches, fingerprint, copies, regression, refusals."""

import pickle

import keras
import numpy as np
import pytest

from keras_fpt.tasks import ArrayTask

RNG = np.random.default_rng(0)
X = RNG.normal(5, 2, size=(60, 6, 3)).astype("float32")
Y = np.arange(60) % 3
LENGTHS = RNG.integers(2, 7, size=60)
RAGGED = [x[:n] for x, n in zip(X, LENGTHS, strict=True)]


def rows_of(task, split):
    """Numbers of the examples of a split, told by their first number."""
    x, _ = getattr(task, f"{split}_examples")()
    x = x["tokens"] if isinstance(x, dict) else x
    first = x.reshape(len(x), -1)[:, 0]
    return sorted(np.searchsorted(np.sort(X[:, 0, 0]), first).tolist())


def test_splits_share_no_example_and_hold_all():
    task = ArrayTask(X, Y)
    rows = [rows_of(task, s) for s in ("train", "validation", "test")]
    assert sorted(sum(rows, [])) == list(range(60))
    assert [len(each) for each in rows] == [42, 9, 9]
    _, y = task.test_examples()
    assert np.bincount(y).tolist() == [3, 3, 3]
    assert task.floor_accuracy == pytest.approx(1 / 3)
    assert (task.inputs, task.outputs, task.readout) == ((6, 3), 3, "last")


def test_the_arrays_stay_as_they_were_given():
    x, y, masks = X.copy(), Y.copy(), np.arange(6) < LENGTHS[:, None]
    for tokens in (x, {"tokens": x.copy(), "padding_mask": masks.copy()}):
        task = ArrayTask(tokens, y)
        before, labels = task.train_examples()
        fingerprint = ArrayTask(tokens, y).fingerprint
        for array in tokens.values() if isinstance(tokens, dict) else [tokens]:
            array[:] = 0
        y[:] = 0
        after, again = task.train_examples()
        for one, two in ((before, after), (labels, again)):
            assert str(one) == str(two)
        # What it gives away is not its own, either.
        batch = after["tokens"] if isinstance(after, dict) else after
        batch[:], again[:] = -1, -1
        task.load("train").y[:] = -1
        assert str(task.train_examples()) == str((before, labels))
        assert task.fingerprint == fingerprint
        y = Y.copy()


def test_splits_hold_the_tokens_once():
    many = np.tile(X, (50, 1, 1))
    task = ArrayTask(many, np.tile(Y, 50))
    for each in (task, task.with_split(1), task.with_examples(30)):
        for split in ("train", "validation", "test"):
            getattr(each, f"{split}_examples")()
    assert len(pickle.dumps([task, task.with_split(1)])) < 1.5 * many.nbytes


def test_another_seed_is_another_split_of_the_same_arrays():
    task = ArrayTask(X, Y)
    other = task.with_split(1)
    assert rows_of(other, "test") != rows_of(task, "test")
    assert rows_of(task.with_split(0), "test") == rows_of(task, "test")
    assert other.fingerprint == task.fingerprint
    assert other.options["split_seed"] == 1
    assert (other.normalization[0] != task.normalization[0]).any()


def test_fewer_examples():
    task = ArrayTask(X, Y)
    few, more = task.with_examples(9), task.with_examples(20)
    assert set(rows_of(few, "train")) < set(rows_of(more, "train"))
    assert rows_of(few, "test") == rows_of(task, "test")
    assert few.num_train_examples == 9
    assert few.options["num_examples"] == 9


def test_given_splits_are_kept():
    task = ArrayTask(X[:40], Y[:40], (X[40:50], Y[40:50]), (X[50:], Y[50:]))
    assert rows_of(task, "test") == rows_of(task.with_split(3), "test")
    assert task.with_split(3) is task
    assert "split_seed" not in task.options
    one = ArrayTask(X[:40], Y[:40], test=(X[40:], Y[40:]))
    assert one.num_test_examples == 20
    assert one.num_train_examples + one.num_validation_examples == 40


def test_lists_of_lengths_are_padded_to_few_lengths():
    task = ArrayTask(RAGGED, Y)
    assert task.padding_mask and task.readout == "last_real"
    assert len(task.padded_lengths) <= 4
    batches = [task.train_data(8)[i] for i in range(5)]
    for x, _ in batches:
        length = x["tokens"].shape[1]
        assert length in task.padded_lengths
        assert x["padding_mask"].shape == (8, length)
    mask = np.arange(6) < LENGTHS[:, None]
    same = ArrayTask({"tokens": X * mask[..., None], "padding_mask": mask}, Y)
    for (x, y), i in zip(batches, range(5), strict=True):
        other, labels = same.train_data(8)[i]
        np.testing.assert_array_equal(other["tokens"], x["tokens"])
        np.testing.assert_array_equal(labels, y)


def test_statistics_are_of_real_training_tokens():
    task = ArrayTask(RAGGED, Y)
    rows = task.split_rows["train"]
    real = np.concatenate([RAGGED[row] for row in rows])
    np.testing.assert_allclose(task.normalization[0], real.mean(0), rtol=1e-5)
    np.testing.assert_allclose(task.normalization[1], real.var(0), rtol=1e-4)
    assert ArrayTask(X, Y, normalize=False).normalization is None
    ids = ArrayTask(RNG.integers(9, size=(60, 6)), Y)
    assert ids.normalization is None
    assert ids.inputs == {"num_tokens": 6, "vocabulary_size": 9}


def test_the_fingerprint_is_of_the_values():
    one = ArrayTask(X, Y).fingerprint
    assert one == ArrayTask(np.asfortranarray(X), list(Y)).fingerprint
    assert one == ArrayTask(X.astype("float64"), Y).fingerprint
    other = X.copy()
    other[3, 2, 1] += 1e-3
    mask = np.ones((60, 6))
    changed = [
        ArrayTask(other, Y),
        ArrayTask(X, Y[::-1]),
        ArrayTask(X[:, ::-1], Y),
        ArrayTask({"tokens": X, "padding_mask": mask}, Y),
        ArrayTask(X, Y, groups=np.arange(60) // 2),
        ArrayTask(X, Y, test=(X[:9], Y[:9])),
    ]
    assert len({one, *(task.fingerprint for task in changed)}) == 7


def test_names_and_last_tokens():
    names = np.array(["no", "yes", "maybe"])[Y]
    task = ArrayTask(X, names)
    assert task.class_names == ("maybe", "no", "yes")
    assert ArrayTask(X, np.stack([Y, Y], 1)).outputs == (2, 3)


def test_regression_is_scored_by_r2():
    for y, outputs in ((X.sum((1, 2)), 1), (X[:, 0, :2], 2)):
        task = ArrayTask(X, y)
        assert (task.outputs, task.metric) == (outputs, "r2")
        assert task.train_data(4)[0][1].shape == (4, outputs)
        arguments = task.compile_args(1e-3)
        assert isinstance(arguments["loss"], keras.losses.MeanSquaredError)
        assert arguments["metrics"][0].name == "r2"


def test_own_loss_and_metric():
    metric = keras.metrics.TopKCategoricalAccuracy(k=2, name="top2")
    task = ArrayTask(X, Y, loss="mse", metric=metric)
    arguments = [task.compile_args() for _ in range(2)]
    assert task.metric == "top2" and arguments[0]["loss"] == "mse"
    assert task.options["loss"] == "mse"
    one, two = (each["metrics"][0] for each in arguments)
    assert one is not two and one.get_config() == metric.get_config()
    assert {"loss", "metric"} <= set(task.options)


def test_a_copy_is_the_same_and_holds_the_arrays_once():
    many = np.tile(X, (50, 1, 1))
    written = pickle.dumps(ArrayTask(many, np.tile(Y, 50)))
    assert len(written) < 1.5 * many.nbytes
    task = ArrayTask(X, Y)
    again = pickle.loads(pickle.dumps(task))
    assert rows_of(again, "test") == rows_of(task, "test")
    assert again.fingerprint == task.fingerprint
    assert repr(task) == (
        "ArrayTask(name='arrays', inputs=(6, 3), outputs=3, train=42, "
        "validation=9, test=9)"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ArrayTask(X, np.zeros(60, int)), "two classes at least"),
        (lambda: ArrayTask(X, Y * 2), "none of class 1"),
        (
            lambda: ArrayTask(X[:58], np.append(Y[:56] % 2, [2, 2])),
            "2 examples of class 2",
        ),
        (
            lambda: ArrayTask(X, Y % 2, test=(X[:3], np.array([0, 1, 5]))),
            "none of class 2|class that the training",
        ),
        (lambda: ArrayTask(X, Y, test=(X, Y / 2)), "one kind in all splits"),
        (lambda: ArrayTask(X, Y, test=(X[..., :2], Y)), "one size in all"),
        (lambda: ArrayTask(X, Y, groups=[1, 2]), "one group for each of 60"),
        (lambda: ArrayTask(X, Y, num_examples=43), "42 training examples"),
        (lambda: ArrayTask(X, Y, num_examples=0), "num_examples=0"),
        (lambda: ArrayTask(X, Y, split_seed=-1), "split_seed=-1"),
        (lambda: ArrayTask(X, Y).with_split("a"), "seed='a'"),
        (lambda: ArrayTask(X, Y).with_examples(1.0), "num_examples=1.0"),
        (lambda: ArrayTask(X, Y, X), "`validation` is a pair"),
        (lambda: ArrayTask(X, Y, test=(X[:0], Y[:0])), "of test` is empty"),
        (lambda: ArrayTask(X, Y, groups=Y), "none of class number"),
        (
            lambda: ArrayTask(X, Y, (X, Y), (X, Y), groups=Y),
            "all splits are given",
        ),
        (lambda: ArrayTask(X, Y, normalize="no"), "normalize='no'"),
        (lambda: ArrayTask(X, Y, normalize=X), "normalize=<class"),
        (lambda: ArrayTask(X, Y, readout=""), "readout=''"),
        (lambda: ArrayTask(X, Y, readout="last_real"), "one length"),
        (
            lambda: ArrayTask(X, np.stack([Y, Y], 1), readout="mean"),
            "one vector of a sequence",
        ),
        (lambda: ArrayTask(X, np.stack([Y] * 7, 1)), "last 7 tokens.*6"),
        (lambda: ArrayTask(X, np.full(60, 0.5)), "two different ones"),
        (lambda: ArrayTask(X, Y, name=""), "name=''"),
        (lambda: ArrayTask(X, Y, validation_share=True), "share=True"),
        (lambda: ArrayTask(X, Y).load("val"), "split='val'"),
        (
            lambda: ArrayTask(RAGGED, np.stack([Y] * 3, 1)),
            "last 3 tokens.*2 tokens at example",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
