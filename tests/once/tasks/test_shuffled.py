"""The shuffled-tokens control: order changes, and nothing else."""

import keras
import numpy as np
import pytest
from helpers.tape_data import Small
from helpers.tape_data import in_csv

from keras_fpt import tasks

ORDERS = ("example", "fixed")
NAMES = ("bit_xor", "listops", "mnist", "homology", "homology_code")


class Places(tasks.DataTask):
    """Each token is its own place, so that an order can be read off."""

    inputs, outputs = {"num_tokens": 9, "vocabulary_size": 10}, 10
    readout, padding_mask = "last_real", True
    padded_lengths = (4, 9)
    num_train_examples = num_validation_examples = num_test_examples = 600

    def load(self, split):
        lengths = np.random.default_rng(len(split)).integers(1, 10, size=600)
        lengths[::2] = 9
        x = np.where(np.arange(9) < lengths[:, None], np.arange(9), 9)
        return tasks.Data(x, lengths, lengths)

    def tokens(self, x, rng):
        return x.astype("int32")


@pytest.fixture
def make(tmp_path, made_up):
    """Makes a task by name, small."""

    def make(name):
        if name == "bit_xor":
            return tasks.get(name)
        if name == "mnist":
            return tasks.get(name, cache_dir=made_up)
        if name == "listops":
            return tasks.ListOps(
                "lra",
                min_length=5,
                max_length=30,
                num_train_examples=80,
                num_validation_examples=20,
                num_test_examples=20,
                cache_dir=tmp_path,
            )
        in_csv(tmp_path)
        variant = "code" if name == "homology_code" else "paper"
        return Small(variant, data_dir=tmp_path)

    return make


def parts(x):
    """Tokens and mask of a batch, whether it has one or not."""
    if not isinstance(x, dict):
        return x, np.ones(x.shape[:2], bool)
    assert set(x) == {"tokens", "padding_mask"}
    return x["tokens"], x["padding_mask"]


def assert_only_order_changes(shuffled, batch):
    """Returns in how many examples it does."""
    (x, y), (plain_x, plain_y) = shuffled, batch
    np.testing.assert_array_equal(y, plain_y)
    (tokens, mask), (plain, plain_mask) = parts(x), parts(plain_x)
    assert tokens.dtype == plain.dtype and tokens.shape == plain.shape
    np.testing.assert_array_equal(mask, plain_mask)
    np.testing.assert_array_equal(tokens[~mask], plain[~mask])
    for row, plain_row, real in zip(tokens, plain, mask, strict=True):
        bags = [sorted(t.tobytes() for t in r[real]) for r in (row, plain_row)]
        assert bags[0] == bags[1]
    return sum(row.any() for row in tokens != plain)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NAMES)
def test_order_changes_and_nothing_else(make, name, order):
    task = make(name)
    shuffled = tasks.ShuffledTokens(task, order)
    changed = 0
    streams = [t.train_data(8, seed=1, start=2) for t in (shuffled, task)]
    assert streams[0].num_batches is None
    for index in range(3):
        batches = (stream[index] for stream in streams)
        changed += assert_only_order_changes(*batches)
    for data in ("validation_data", "test_data"):
        own, plain = (getattr(t, data)(5) for t in (shuffled, task))
        assert own.num_batches == plain.num_batches
        for index in range(min(4, own.num_batches)):
            changed += assert_only_order_changes(own[index], plain[index])
    assert changed > 24


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ["bit_xor", "listops", "homology_code"])
def test_examples_are_those_of_the_batches(make, name, order):
    task = tasks.ShuffledTokens(make(name), order)
    for split in ("validation", "test"):
        x, y = getattr(task, f"{split}_examples")()
        tokens, mask = parts(x)
        data = getattr(task, f"{split}_data")(7)
        for index in range(data.num_batches):
            rows = data.order.rows(index)
            batch, batch_mask = parts(data[index][0])
            length = batch.shape[1]
            np.testing.assert_array_equal(batch, tokens[rows, :length])
            np.testing.assert_array_equal(batch_mask, mask[rows, :length])
            np.testing.assert_array_equal(data[index][1], y[rows])


@pytest.mark.parametrize("order", ORDERS)
def test_a_batch_follows_from_seeds_and_position(order):
    def stream(seed=0, **arguments):
        task = tasks.ShuffledTokens(Places(), order, seed)
        data = task.train_data(16, **{"seed": 3, **arguments})
        return lambda index: data[index][0]["tokens"]

    one, again = stream(), stream()
    batches = {index: again(index) for index in (2, 0, 1)}
    for index, batch in batches.items():
        np.testing.assert_array_equal(one(index), batch)
        np.testing.assert_array_equal(stream(start=index)(0), batch)
    # The other seed orders the same examples otherwise.
    other = stream(seed=1)(0)
    np.testing.assert_array_equal(np.sort(other), np.sort(one(0)))
    assert (other != one(0)).any()


@pytest.mark.parametrize(
    "order, expected",
    [
        ("example", [[6, 2, 8, 7, 1], [1, 2, 5, 8, 9]]),
        ("fixed", [[1, 5, 3, 0, 7], [1, 5, 3, 0, 7]]),
    ],
)
def test_orders_are_the_same_on_every_backend(order, expected):
    class Ten(tasks.Task):
        inputs, outputs = {"num_tokens": 10, "vocabulary_size": 10}, 2

        def sample(self, rng, batch_size):
            return np.tile(np.arange(10), (batch_size, 1)), np.zeros(batch_size)

    task = tasks.ShuffledTokens(Ten(), order, seed=1)
    x, _ = task.train_data(2, seed=3)[4]
    np.testing.assert_array_equal(x[:, :5], expected)


def test_each_example_has_an_order_of_its_own():
    task = tasks.ShuffledTokens(Places())
    stream = task.train_data(200, seed=0)
    batches = [stream[i][0]["tokens"] for i in range(6)]
    whole = [b[(b != 9).all(axis=1)] for b in batches if b.shape[1] == 9]
    orders = np.concatenate(whole)
    assert len(orders) > 500
    # 9! orders: hardly any comes twice, in whichever epoch.
    assert len(np.unique(orders, axis=0)) > 0.99 * len(orders)
    # Each place receives each token as often as the others.
    shares = (orders[:, :, None] == np.arange(9)).mean(axis=0)
    np.testing.assert_allclose(shares, 1 / 9, atol=0.06)
    splits = [task.validation_examples(), task.test_examples()]
    for x, _ in splits:
        orders = x["tokens"][(x["tokens"] != 9).all(axis=1)]
        assert len(np.unique(orders, axis=0)) > 0.99 * len(orders)


def test_a_fixed_order_is_the_same_everywhere():
    task = tasks.ShuffledTokens(Places(), "fixed", seed=5)
    stream = task.train_data(16, seed=7)
    batches = [stream[i] for i in range(40)]
    data = (task.validation_data(50), task.test_data(50))
    batches += [part[i] for part in data for i in range(12)]
    rows = [r for x, _ in batches for r in x["tokens"]]
    lengths = [n for _, y in batches for n in y]
    permutation = next(r for r, n in zip(rows, lengths, strict=True) if n == 9)
    assert permutation.tolist() != sorted(permutation)
    for row, length in zip(rows, lengths, strict=True):
        # A shorter example takes the places that it has.
        expected = permutation[permutation < length]
        np.testing.assert_array_equal(row[:length], expected)
        assert (row[length:] == 9).all()


@pytest.mark.parametrize("name", ["bit_xor", "homology"])
def test_all_else_is_the_tasks(make, name):
    task = make(name)
    shuffled = tasks.ShuffledTokens(task)
    facts, own = (t.describe(lambda line: None) for t in (task, shuffled))
    assert isinstance(shuffled, tasks.Task)
    assert own.pop("task") == "ShuffledTokens" != facts.pop("task")
    what, of = own.pop("variant"), facts.pop("variant").removeprefix("paper: ")
    kind = type(task).__name__
    assert what.startswith(f"paper: {kind}, the tokens of each example")
    assert what.endswith(of)
    assert own == facts
    arguments, expected = shuffled.compile_args(), task.compile_args()
    assert arguments.keys() == expected.keys()
    for argument in ("optimizer", "loss"):
        config = arguments[argument].get_config()
        assert {**config, "name": ""} == {
            **expected[argument].get_config(),
            "name": "",
        }


def test_workers_keep_the_order():
    task = tasks.ShuffledTokens(Places())
    data = task.train_data(8, workers=2, max_queue_size=3)
    assert isinstance(data, keras.utils.PyDataset)
    assert (data.workers, data.max_queue_size) == (2, 3)
    plain = task.train_data(8)
    for index in (3, 1):
        x, expected = data[index][0], plain[index][0]
        np.testing.assert_array_equal(x["tokens"], expected["tokens"])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: tasks.ShuffledTokens("bit_xor"), "`keras_fpt.*'bit_xor'"),
        (lambda: tasks.ShuffledTokens(Places), "object of.*Places"),
        (
            lambda: tasks.ShuffledTokens(
                tasks.get("cifar10", whole_images=True)
            ),
            r"`whole_images=False`.*CIFAR10 with inputs=\(32, 32, 3\)",
        ),
        (
            lambda: tasks.ShuffledTokens(Places(), "random"),
            "'example', 'fixed'.*order='random'",
        ),
        (lambda: tasks.ShuffledTokens(Places(), seed=-1), "seed=-1"),
        (lambda: tasks.ShuffledTokens(Places(), seed=2**32), "below 42949672"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
