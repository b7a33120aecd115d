"""Compares a pretrained trunk with controls on your data."""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_fpt import trunks
from keras_fpt.experiments import arguments
from keras_fpt.experiments import schedule
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.results import Results
from keras_fpt.experiments.results import read_results
from keras_fpt.experiments.rows import Row
from keras_fpt.files import write_whole
from keras_fpt.sizes import whole_number

ROWS = ("pretrained", "random", "statistics", "no_trunk", "lstm")
# Half decades around the paper's 1e-3.
LEARNING_RATES = (3e-4, 1e-3, 3e-3)
EVALUATIONS = 10  # of a run, on the validation set
HEAD_DIM = 64  # GPT-2's
LSTM_LAYERS = 3  # as of the paper's Table 1
Rows = Sequence[Any] | Mapping[str, Callable[..., Any]]


def compare(
    data: Any,
    rows: Rows = ROWS,
    trunk: str = "gpt2_tiny_en",
    learning_rates: Sequence[float] = LEARNING_RATES,
    seeds: int = 5,
    steps: int = 1_000,
    batch_size: int = 16,
    examples: Sequence[int | None] | None = None,
    groups: Any = None,
    minutes: float | None = None,
    results_dir: str | pathlib.Path = "results/compare",
    cluster: Any = None,
    *,
    normalize: bool = True,
    loss: Any = None,
    metric: Any = None,
    print_fn: Callable[[str], Any] = print,
) -> Results:
    """Answers whether a pretrained trunk helps on your data.

    Each row is trained at each learning rate with each seed; it chooses its
    rate by validation, and the test set is evaluated once with the weights
    that did best on validation. With one seed, all rows have the same split,
    batches, and draws of input layer and head, so that differences between
    rows are paired. Runs leave records: a second call with the same arguments
    only reads them, and a call that was interrupted goes on.

    Args:
        data: `(x, y)`; `((x, y), (x, y), (x, y))` for train, validation and
            test; a `keras_fpt.tasks.Task`; or the name of one. `x` is an
            array, a dict with a padding mask, or a list of arrays of several
            lengths. Whole numbers in `y` are classes, floats are regression:
            see `keras_fpt.tasks.ArrayTask`.
        rows: sequence of names or `Row`s, or mapping from names to functions
            that take a task and `seed=` and return a Keras model, not
            compiled. Names: `"pretrained"`, `"random"`, `"statistics"` (the
            frozen trunk, with its values, random ones, or random ones with
            the same mean and standard deviation), `"no_trunk"` (input layer
            and head on the mean of the tokens), `"lstm"`, `"transformer"`,
            `"one_attention_layer"`, `"full"` (pretrained, all of it trained).
            The first is compared with each other one.
        trunk: string. A preset, as `from_preset` takes it. Defaults to the
            embedded `"gpt2_tiny_en"`.
        learning_rates: sequence of floats. Defaults to half decades around
            1e-3, the paper's.
        seeds: int. From 0 on. Defaults to `5`.
        steps: int. Training steps of a run. Defaults to `1000`.
        batch_size: int. Defaults to `16`.
        examples: sequence of ints and `None`, or `None`. Runs the whole again
            on that many training examples, `None` for all: a learning curve.
            Defaults to `None`, all only.
        groups: array or `None`. One label an example: no two splits share
            one. Defaults to `None`.
        minutes: float or `None`. No run begins after this time; what is
            missing is said. Defaults to `None`.
        results_dir: path. Folder of the records, and in `splits/` of the
            numbers of the examples in each split. Defaults to
            `"results/compare"`.
        cluster: `keras_fpt.experiments.Cluster` or `None`. Defaults to
            `None`, this machine.
        normalize: bool. Whether numbers are standardized by the training
            split, inside the model. Defaults to `True`.
        loss: Keras loss or `None`. Defaults to `None`, cross entropy or mean
            squared error.
        metric: Keras metric or `None`, larger is better. Defaults to `None`,
            accuracy or R2.
        print_fn: callable. Takes a line of progress. Defaults to `print`.

    Returns:
        `Results`. Printed, they are a table and the verdicts in words.

    Raises:
        ValueError: if the data or an argument do not fit, before anything is
            trained.

    Example:

    ```python
    x = np.random.rand(200, 12, 3)
    y = (x.sum(axis=(1, 2)) > 18).astype(int)
    results = keras_fpt.compare(
        (x, y), rows=("pretrained", "no_trunk"), seeds=1, steps=2
    )
    print(results)
    ```

    Reference:
        - [Lu et al., 2021](https://arxiv.org/abs/2103.05247)
        - [Rothermel et al., 2021](https://arxiv.org/abs/2107.12460)
    """
    seeds = whole_number("seeds", seeds)
    steps = whole_number("steps", steps)
    batch_size = whole_number("batch_size", batch_size)
    rates = arguments.read_rates(learning_rates)
    counts = arguments.read_counts(examples)
    arguments.check_minutes(minutes, cluster)
    arguments.check_kinds(trunk, cluster, print_fn)
    folder = arguments.read_folder(results_dir)
    trunk = os.fspath(trunk)
    task = arguments.task_of(data, groups, normalize, loss, metric)
    listed = rows_of(rows, trunk)
    presets = trunks.local_presets(trunk)
    experiments: dict[tuple[str, int | None], list[Experiment]] = {}
    by_seed: dict[int, list[Experiment]] = {}
    for seed in range(seeds):
        split = task.with_split(seed)
        for count in counts:
            chosen = split if count is None else split.with_examples(count)
            _write_split(chosen, folder)
            for row in listed:
                for rate in rates:
                    experiment = Experiment(
                        task=chosen,
                        model=row.model,
                        steps=steps,
                        evaluate_every=max(1, steps // EVALUATIONS),
                        learning_rate=rate,
                        scale="compare",
                        task_options=row.task_options,
                        model_options=row.model_options,
                        batch_size=batch_size,
                        seed=seed,
                    ).on_trunk(presets)
                    cell = experiments.setdefault((row.name, count), [])
                    cell.append(experiment)
                    by_seed.setdefault(seed, []).append(experiment)
    # With a budget, whole seeds come first: each is a fair comparison.
    every = [each for group in by_seed.values() for each in group]
    begin = time.monotonic()
    for batch in [every] if minutes is None else by_seed.values():
        passed = (time.monotonic() - begin) / 60
        schedule.run_missing(
            batch,
            folder,
            presets=presets,
            cluster=cluster,
            print_fn=print_fn,
            minutes=None if minutes is None else minutes - passed,
            evaluations=False,
        )
    return read_results(experiments, folder, task.metric)


def _write_split(task: Any, folder: pathlib.Path) -> None:
    """Writes down which examples are in which split, beside the records."""
    rows = getattr(task, "split_rows", None)
    if rows is None:  # a task that draws its examples, or splits its own files
        return
    name = f"{task.fingerprint[:16]}-{task.split_seed}-{len(rows['train'])}.npz"
    path = folder / "splits" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda file: np.savez(file, **rows))


def rows_of(rows: Rows, trunk: str) -> list[Row]:
    """The rows that names and functions stand for.

    Raises:
        ValueError: if there is no such row, or two have one name.
    """
    if isinstance(rows, str):
        rows = (rows,)
    if isinstance(rows, Mapping):
        for name, build in rows.items():
            if not isinstance(name, str) or not callable(build):
                raise ValueError(
                    "`rows` as a dict has names, and functions that build a "
                    f"model. Received: {name!r}: {build!r}"
                )
        listed = [Row.of_model(name, build) for name, build in rows.items()]
    elif not isinstance(rows, Iterable):
        raise ValueError(
            f"`rows` is a list of names, or a dict. Received: rows={rows!r}"
        )
    else:
        width = trunks.hidden_dim_of(trunk)
        known = _known_rows(trunks.identity(trunk), width)
        listed = []
        for row in rows:
            if isinstance(row, Row):
                listed.append(row)
            elif isinstance(row, str) and row in known:
                listed.append(known[row])
            else:
                raise ValueError(
                    f"No row is named {row!r}. Known rows: {', '.join(known)}; "
                    "a row of your own is a `keras_fpt.experiments.Row`"
                )
    names = [row.name for row in listed]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"Each row needs a name of its own, and there is one at least. "
            f"Received: {names}"
        )
    return listed


def _known_rows(preset: str, width: int) -> dict[str, Row]:
    """Rows by name, baselines as wide as the trunk."""
    fpt: dict[str, dict[str, Any]] = {
        "pretrained": {},
        "random": {"initialization": "random"},
        "statistics": {"initialization": "statistics"},
        "full": {"finetune": "full"},
    }
    rows = {
        name: Row.fpt(name, preset=preset, paired=True, **options)
        for name, options in fpt.items()
    }
    baselines: dict[str, dict[str, Any]] = {
        "no_trunk": {},
        "lstm": {"num_layers": LSTM_LAYERS},
        "transformer": {"num_layers": LSTM_LAYERS},
        "one_attention_layer": {"num_heads": max(1, width // HEAD_DIM)},
    }
    for name, options in baselines.items():
        rows[name] = Row.baseline(
            name, name, hidden_dim=width, paired=True, **options
        )
    return rows
