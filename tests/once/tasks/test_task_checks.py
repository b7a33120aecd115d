"""A task of one's own: each mistake with the line to write."""

import numpy as np
import pytest

from keras_fpt import tasks

LENGTHS = np.array([1, 2, 4, 3, 1, 2, 4, 3])


class Drawn(tasks.Task):
    inputs, outputs = (4, 2), 3
    num_validation_examples = num_test_examples = 5
    answer = staticmethod(lambda x, y: (x, y))

    def sample(self, rng, batch_size):
        x = rng.normal(size=(batch_size, 4, 2))
        return self.answer(x, rng.integers(3, size=batch_size))


class Read(tasks.DataTask):
    inputs, outputs = {"num_tokens": 4, "vocabulary_size": 5}, 3
    readout, padding_mask, padded_lengths = "last_real", True, (2, 4)
    num_train_examples = num_validation_examples = num_test_examples = 8
    x, y, lengths = np.ones((8, 4), int), np.arange(8) % 3, LENGTHS

    def load(self, split):
        return tasks.Data(self.x, self.y, self.lengths)

    def tokens(self, x, rng):
        return x


def make(base, **changes):
    return type("Mine", (base,), changes)()


def test_tasks_that_fit():
    assert Drawn().train_data(2)[0][0].shape == (2, 4, 2)
    assert len(Read().validation_examples()[1]) == 8
    # Nothing but the first batch is looked at.
    task = Drawn()
    task.train_data(2)[0]
    task.answer = lambda x, y: (x, y + 7)
    task.train_data(2)[1]


def test_answers_of_another_loss_are_its_own_matter():
    class Numbers(Drawn):
        def compile_args(self, learning_rate=None):
            return {**super().compile_args(), "loss": "mse"}

    task = Numbers()
    task.answer = lambda x, y: (x, y[:, None] + 0.5)
    task.train_data(2)[0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x, y: x, r"write `return x, y`.*array of shape \(2, 4, 2\)"),
        (lambda x, y: None, "write `return x, y`.*NoneType"),
        (lambda x, y: (x, y, y), "write `return x, y`.*tuple of 3"),
        (lambda x, y: (x[:1], y), r"of 2 examples.*\(1, 4, 2\) and \(2,\)"),
        (lambda x, y: (x, y[:1]), r"of 2 examples.*\(1,\)"),
        (lambda x, y: (x[:, :3], y), r"\(2, 4, 2\).*inputs=\(4, 2\).*3, 2"),
        (lambda x, y: (x[..., :1], y), r"shape \(2, 4, 1\)"),
        (lambda x, y: (x, y + 3), "`sample` of Mine: Classes must be.*example"),
        (lambda x, y: (x, y + 0.5), "Classes must be whole numbers"),
        (lambda x, y: (x, np.eye(3)[y]), r"y of shape \(batch,\)"),
        (
            lambda x, y: ({"tokens": x, "padding_mask": x[..., 0] > 0}, y),
            "write `padding_mask = True`",
        ),
    ],
)
def test_samples_that_do_not_fit(answer, message):
    check(make(Drawn, answer=staticmethod(answer)), message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": Read.y[:5]}, "8 rows of x and 5 of y"),
        ({"x": Read.x[:0], "y": Read.y[:0]}, "one at least.*0 rows"),
        ({"x": Read.x.tolist()}, r"write `x = np.array\(x\)`.*list of 8"),
        ({"lengths": None}, r"write `return keras_fpt.tasks.Data\(x, y, len"),
        ({"padding_mask": False}, "write `padding_mask = True`"),
        ({"lengths": LENGTHS - 1}, r"in 1\.\.4.*0 at row 0"),
        ({"lengths": LENGTHS - 2}, "-1 at row 0"),
        ({"lengths": LENGTHS + 1}, "5 at row 2"),
        ({"lengths": LENGTHS[:5]}, r"shape \(8,\).*shape \(5,\)"),
        ({"lengths": LENGTHS / 1}, "float64"),
        ({"padded_lengths": (4, 2)}, r"write `padded_lengths = \(2, 4\)`"),
        ({"padded_lengths": (2, 2, 4)}, r"write `padded_lengths = \(2, 4\)`"),
        ({"padded_lengths": 4}, r"write `padded_lengths = \(4,\)`"),
        ({"padded_lengths": ()}, "up to 4 tokens"),
        ({"x": Read.x + 4}, "`tokens` of Mine: Token ids must lie in 0..4"),
        ({"y": Read.y + 1}, "of Mine: Classes must be.*3 at example 2"),
        ({"load": lambda self, s: (Read.x, Read.y)}, "write `return keras_fpt"),
        ({"load": lambda self, s: None}, "write `return keras_fpt.*NoneType"),
        ({"tokens": lambda self, x, rng: x[:1]}, r"`tokens`.*shapes \(1, "),
        (
            {"tokens": lambda self, x, rng: x[..., None]},
            r"`tokens`.*shape \(2, ., 1\)",
        ),
    ],
)
def test_data_that_do_not_fit(changes, message):
    check(make(Read, **changes), message)


def check(task, message):
    with pytest.raises(ValueError, match=message) as error:
        task.train_data(2)[0]
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError):
        task.validation_examples()


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (tasks.Task, "def sample.self, rng, batch_size"),
        (tasks.DataTask, "def load.self, split"),
    ],
)
def test_what_a_task_lacks(base, message):
    task = make(base)
    for name in ("inputs", "outputs"):
        with pytest.raises(AttributeError, match=f"Mine.*write.*`{name} = "):
            getattr(task, name)
    with pytest.raises(AttributeError, match="no attribute 'output'"):
        task.output  # noqa: B018
    with pytest.raises(NotImplementedError, match=message):
        task.train_data(2)[0]
    read = make(Read)
    read.tokens = lambda x, rng: tasks.DataTask.tokens(read, x, rng)
    with pytest.raises(NotImplementedError, match="def tokens"):
        read.train_data(2)[0]


def test_numbers_of_examples_are_whole():
    for count in (0, 2.5):
        with pytest.raises(ValueError, match=f"num_test_examples={count}"):
            make(Drawn, num_test_examples=count).test_examples()
