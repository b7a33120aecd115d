"""Tasks with a model: streams in their order, own tasks, every kind learns."""

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.backbones import make_backbone
from helpers.checks import check_learns
from helpers.listops_oracle import make
from helpers.marks import once
from helpers.tape_data import Small
from helpers.tape_data import in_csv

import keras_fpt
from keras_fpt import tasks

# Through the step as Keras compiles it.
pytestmark = pytest.mark.compiled


def test_fit_sees_the_stream_in_order(backbone):
    """The losses of `fit` are those of a loop by hand, with workers, too."""
    task = tasks.BitXor()

    def fresh_model():
        keras.utils.set_random_seed(0)
        model = keras_fpt.FrozenPretrainedTransformer(
            backbone, task=task, dropout=0.0
        )
        model.compile(**task.compile_args())
        return model

    def fit(epochs, **arguments):
        history = fresh_model().fit(
            task.train_data(4, **arguments),
            epochs=epochs,
            steps_per_epoch=6 // epochs,
            shuffle=False,
            verbose=0,
        )
        return history.history["loss"]

    def by_hand(start):
        model, stream = fresh_model(), task.train_data(4, start=start)
        losses = []
        for index in range(6):
            logs = model.train_on_batch(*stream[index], return_dict=True)
            losses.append(float(logs["loss"]))
            model.reset_metrics()
        return losses

    first = by_hand(start=0)
    expected = [np.mean(first[:3]), np.mean(first[3:])]
    np.testing.assert_allclose(fit(epochs=2), expected, rtol=1e-4)
    # Keras' workers may draw one batch to look at, and drop it.
    loss = fit(epochs=1, workers=2)
    starts = [np.mean(first), np.mean(by_hand(start=1))]
    assert np.isclose(loss, starts, rtol=1e-4).any()


def test_fit_without_end_is_refused(backbone):
    task = tasks.BitXor()
    model = keras_fpt.FrozenPretrainedTransformer(backbone, task=task)
    model.compile(**task.compile_args())
    with pytest.raises(ValueError, match="steps_per_epoch"):
        model.fit(task.train_data(4))


def test_a_task_of_the_users_own(backbone):
    class Longest(tasks.Task):
        inputs, outputs = (12, 4), 12

        def sample(self, rng, batch_size):
            tokens = rng.normal(size=(batch_size, 12, 4)).astype("float32")
            return tokens, np.linalg.norm(tokens, axis=-1).argmax(-1)

    task = Longest()
    model = keras_fpt.FrozenPretrainedTransformer(backbone, task=task)
    model.compile(**task.compile_args())
    history = model.fit(
        task.train_data(8),
        steps_per_epoch=3,
        validation_data=task.validation_data(),
        shuffle=False,
        verbose=0,
    )
    # Of the splits' own examples, and of all of them.
    x, y = task.validation_examples()
    right = model.predict(x, verbose=0).argmax(-1) == y
    (accuracy,) = history.history["val_accuracy"]
    assert accuracy == pytest.approx(right.mean(), abs=1e-6)
    x, y = task.test_examples()
    right = model.predict(x, verbose=0).argmax(-1) == y
    _, accuracy = model.evaluate(task.test_data(), verbose=0)
    assert accuracy == pytest.approx(right.mean(), abs=1e-6)


def test_a_task_of_ids_with_padding(backbone):
    class Count(tasks.Task):
        """How many ids of a sequence are even? Sequences differ in length."""

        inputs, outputs = {"num_tokens": 9, "vocabulary_size": 7}, 10
        readout, padding_mask = "last_real", True

        def sample(self, rng, batch_size):
            ids = rng.integers(7, size=(batch_size, 9))
            mask = np.arange(9) < rng.integers(1, 10, size=(batch_size, 1))
            even = (ids % 2 == 0) & mask
            return {"tokens": ids, "padding_mask": mask}, even.sum(axis=1)

    task = Count()
    model = keras_fpt.FrozenPretrainedTransformer(backbone, task=task)
    model.compile(**task.compile_args())
    x, y = task.train_data(8)[0]
    check_learns(model, x, y)
    # What lies behind the mask counts for nothing.
    hidden = {**x, "tokens": np.where(x["padding_mask"], x["tokens"], 0)}
    assert (hidden["tokens"] != x["tokens"]).any()
    np.testing.assert_allclose(
        answers(model, hidden), answers(model, x), atol=1e-5
    )


@once
class TestEveryKindLearns:
    """Patches, ids with padding, tokens in another order."""

    def check(self, task, **arguments):
        model = keras_fpt.FrozenPretrainedTransformer(
            make_backbone(num_layers=1), task=task, **arguments
        )
        model.compile(**task.compile_args(1e-2))
        check_learns(model, *task.train_data(8)[0])

    def test_images(self, made_up):
        task = tasks.MNIST("code", cache_dir=made_up)
        self.check(task, num_positions=49)

    def test_listops(self, tmp_path):
        sizes = {"min_length": 8, "max_length": 24}
        self.check(make("lra", **sizes, cache_dir=tmp_path))

    def test_shuffled_tokens(self, tmp_path):
        in_csv(tmp_path)
        self.check(tasks.ShuffledTokens(Small(data_dir=tmp_path)))
