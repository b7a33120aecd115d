"""`compare` on all that a user may bring, and the same answer twice."""

import json

import keras
import numpy as np
import pytest
from helpers.marks import once
from helpers.processes import run_process

import keras_fpt
from keras_fpt import tasks
from keras_fpt.experiments import Row
from keras_fpt.experiments import records
from keras_fpt.experiments import runner

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6, 3)).astype("float32")
Y = (X[:, -1, 0] > 0).astype(int)
LENGTHS = RNG.integers(3, 7, size=40)
MASK = np.arange(6) < LENGTHS[:, None]


@pytest.fixture
def compare(tiny_preset, tmp_path):
    """`compare`, small: two seeds of one step, one rate, two rows."""

    def run(data, **arguments):
        defaults = {
            "rows": ("pretrained", "no_trunk"),
            "trunk": tiny_preset,
            "learning_rates": (1e-2,),
            "seeds": 2,
            "steps": 1,
            "batch_size": 4,
            "results_dir": tmp_path / "results",
            "print_fn": lambda line: None,
        }
        return keras_fpt.compare(data, **{**defaults, **arguments})

    return run


DATA = {
    "array": lambda: (X, Y),
    "dict": lambda: ({"tokens": X, "padding_mask": MASK}, Y),
    "lengths": lambda: ([x[:n] for x, n in zip(X, LENGTHS, strict=True)], Y),
    "ids": lambda: (RNG.integers(5, size=(40, 6)), Y),
    "splits": lambda: ((X, Y), (X[:8], Y[:8]), (X[8:20], Y[8:20])),
    "regression": lambda: (X, X.sum((1, 2))),
    "task": lambda: tasks.BitXor(num_bits=3),
    "name": lambda: "bit_xor",
}
EVERYWHERE = ("array", "dict", "lengths", "regression", "task")


@pytest.mark.parametrize("kind", EVERYWHERE)
def test_kinds_of_data(kind, compare):
    check_kind(kind, compare)


@once
@pytest.mark.parametrize("kind", sorted(set(DATA) - set(EVERYWHERE)))
def test_further_kinds_of_data(kind, compare):
    """They are read by code that knows no backend."""
    check_kind(kind, compare)


def check_kind(kind, compare):
    results = compare(DATA[kind](), seeds=1)
    assert results.num_missing == 0
    assert results.metric == ("r2" if kind == "regression" else "accuracy")
    table = results.table()
    assert list(table["row"]) == ["pretrained", "no_trunk"]
    assert table[results.metric].notna().all()
    assert results.metric in results.to_markdown()


def test_the_second_call_only_reads(compare, monkeypatch):
    first = compare((X, Y))
    monkeypatch.setattr(runner, "_train", None)
    again = compare((X, Y))
    assert str(again) == str(first)
    assert again.frame().equals(first.frame())
    # Other data are other runs.
    with pytest.raises(TypeError):
        compare((X + 1, Y))


@once
def test_rows_of_one_seed_are_paired(compare, tiny_preset, tmp_path):
    """The same split, input layer, head and batches."""
    rows = ("pretrained", "random", "statistics", "one_attention_layer")
    built = {}
    results = compare((X, Y), rows=rows, seeds=1)
    for run in results.runs:
        keras.utils.set_random_seed(run.experiment.seed + 100)
        task = run.experiment.make_task()
        presets = keras_fpt.experiments.schedule.trunks.local_presets(
            tiny_preset
        )
        model = run.experiment.build(task, presets)
        built[run.row] = [
            np.array(model.get_layer(name).kernel)
            for name in ("input_projection", "head")
        ]
        assert task.split_rows["test"].tolist() == (
            results.runs[0].experiment.make_task().split_rows["test"].tolist()
        )
        # It is written down, beside the records.
        (file,) = (tmp_path / "results/splits").glob("*.npz")
        with np.load(file) as written:
            assert written["test"].tolist() == task.split_rows["test"].tolist()
    for kernels in built.values():
        for kernel, first in zip(kernels, built["pretrained"], strict=True):
            np.testing.assert_array_equal(kernel, first)


@once
def test_own_rows_and_functions(compare):
    def dense(task, seed):
        keras.utils.set_random_seed(seed)
        return keras.Sequential(
            [
                keras.Input(task.inputs),
                keras.layers.Flatten(),
                keras.layers.Dense(task.outputs),
            ]
        )

    results = compare((X, Y), rows={"dense": dense, "again": dense})
    assert results.rows == ["dense", "again"]
    # Two names of one function are the same runs.
    assert results.difference("dense", "again").mean == 0
    mixed = compare(
        (X, Y), rows=("no_trunk", Row.of_model("mine", dense, version=2))
    )
    assert mixed.rows == ["no_trunk", "mine"] and mixed.num_missing == 0


@once
def test_a_learning_curve(compare):
    results = compare((X, Y), examples=(8, 16, None), seeds=1)
    counts = results.frame().groupby("row")["examples"].unique()
    assert [n for n in counts["no_trunk"] if n == n] == [8, 16]
    assert len(results.runs) == 6


@once
def test_a_budget_says_what_is_missing(compare):
    results = compare((X, Y), minutes=0)
    assert results.num_missing == 4
    assert "4 of 4 runs are missing" in str(results)


@once
def test_a_group_is_in_one_split(compare):
    groups = np.arange(40) // 4
    results = compare((X, Y), groups=groups, seeds=1)
    rows = results.runs[0].experiment.make_task().split_rows
    seen = [set(groups[rows[split]]) for split in rows]
    assert not seen[0] & seen[1] and not seen[1] & seen[2]


@once
@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        ((X, Y[:-1]), {}, "one answer in `y`.*40 examples"),
        ((np.where(X > 3, np.nan, X), Y), {}, "NaN or infinite.*example"),
        (X, {}, "`data` is"),
        ("bits", {}, "Unknown task 'bits'"),
        ("bit_xor", {"groups": [1]}, "says its groups itself"),
        ("bit_xor", {"examples": (5,)}, "no set of training examples"),
        ((X, Y), {"rows": ("pretrain",)}, "No row is named 'pretrain'"),
        ((X, Y), {"rows": ("no_trunk", "no_trunk")}, "a name of its own"),
        ((X, Y), {"rows": ()}, "one at least"),
        ((X, Y), {"learning_rates": ()}, "at least one"),
        ((X, Y), {"learning_rates": (0.0,)}, "positive"),
        ((X, Y), {"learning_rates": 1e-3}, "learning_rates=0.001"),
        ((X, Y), {"learning_rates": ("1e-3",)}, "positive numbers"),
        ((X, Y), {"learning_rates": (np.nan,)}, "positive numbers"),
        ((X, Y), {"seeds": 0}, "seeds=0"),
        ((X, Y), {"batch_size": 0}, "batch_size=0"),
        ((X, Y), {"examples": 8}, "examples=8"),
        ((X, Y), {"examples": (0,)}, "examples=0"),
        ((X, Y), {"examples": (99,)}, "28 training examples"),
        ((X, Y), {"rows": {"mine": 3}}, "'mine': 3"),
        ((X, Y), {"rows": 3}, "rows=3"),
        ((X, Y), {"normalize": None}, "normalize=None"),
        (((X, Y), (X, Y)), {}, "tuple of 2"),
        (((X, Y), X, Y), {}, "tuple of 3"),
        (None, {}, "NoneType"),
        ("bit_xor", {"normalize": False}, "says its normalize itself"),
        ((X, Y), {"trunk": "gpt2_tiny"}, "gpt2_tiny"),
    ],
)
def test_refusals_before_anything_trains(
    data, arguments, message, compare, monkeypatch
):
    monkeypatch.setattr(runner, "_train", None)
    with pytest.raises(ValueError, match=message) as error:
        compare(data, **arguments)
    assert "\n" not in str(error.value)


# Ends itself by SIGKILL after some evaluations.
KILLED = """
import os, signal, sys
if os.environ["KERAS_BACKEND"] == "torch":
    import torch
import numpy as np
import keras_fpt
from keras_fpt.experiments.checkpoint import RunCheckpoint

left, save = [3], RunCheckpoint.save

def save_and_die(self):
    save(self)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

RunCheckpoint.save = save_and_die
data = np.load(sys.argv[1])
keras_fpt.compare(
    (data["x"], data["y"]),
    rows=("pretrained", "no_trunk"),
    trunk=sys.argv[2],
    learning_rates=(1e-2,),
    seeds=1,
    steps=4,
    batch_size=4,
    results_dir=sys.argv[3],
)
"""


@once
def test_a_killed_comparison_goes_on_to_the_same_numbers(
    compare, tiny_preset, tmp_path
):
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    process = run_process(KILLED, tmp_path / "data.npz", tiny_preset, broken)
    assert process.returncode == -9, process.stderr[-2000:]
    results = [
        compare((X, Y), seeds=1, steps=4, results_dir=folder)
        for folder in (broken, whole)
    ]
    interruptions = 0
    for run, expected in zip(*(each.runs for each in results), strict=True):
        interruptions += run.record["interruptions"]
        for name in ("history", "test_at_best", "test_at_last"):
            assert run.record[name] == expected.record[name]
    assert interruptions == 1


@once
def test_records_say_what_was_compared(compare, tmp_path):
    results = compare((X, Y), seeds=1)
    found = records.read_all(tmp_path / "results")
    config = found[results.runs[0].experiment.key]["experiment"]
    assert config["task"] == "arrays" and config["scale"] == "compare"
    assert dict(config["task_options"])["fingerprint"]
    assert json.loads(json.dumps(config)) == config
    preset = dict(config["model_options"])["preset"]
    assert "@" in preset and "/" not in preset
