"""The command `keras-fpt compare`: reads a file, compares, prints, draws."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from keras_fpt.experiments import compare
from keras_fpt.experiments.ray_cluster import Cluster


def run(arguments: Sequence[str] | None = None) -> None:
    """The command `keras-fpt`.

    Args:
        arguments: sequence of strings or `None`. Defaults to `None`, those of
            the process.
    """
    parser = argparse.ArgumentParser(prog="keras-fpt")
    commands = parser.add_subparsers(required=True, metavar="command")
    about = "does a pretrained trunk help on your data?"
    command = commands.add_parser("compare", help=about, description=about)
    add = command.add_argument
    add("data", nargs="?", type=pathlib.Path, help=DATA)
    add("--task", help="a task of the library, instead of data: bit_xor")
    add("--label", default="label", help="column of the labels in a .csv")
    add("--rows", nargs="*", default=compare.ROWS)
    add("--trunk", default="gpt2_tiny_en", help="a preset, a folder, a .gguf")
    rates = compare.LEARNING_RATES
    add("--learning-rates", nargs="*", type=float, default=rates)
    add("--seeds", type=int, default=5)
    add("--steps", type=int, default=1_000)
    add("--batch-size", type=int, default=16)
    add("--examples", nargs="*", type=int, help="numbers of training examples")
    add("--minutes", type=float, help="no run begins after this time")
    add("--no-normalize", action="store_true", help="leave numbers as they are")
    add("--results", type=pathlib.Path, default=pathlib.Path("results/compare"))
    add("--ray", metavar="ADDRESS", help="a Ray cluster: auto, local, ray://")
    add("--plot", metavar="FILE", help="draw the results")
    chosen = parser.parse_args(arguments)
    if (chosen.data is None) == (chosen.task is None):
        command.error("give a file of data, or --task")
    try:
        results = compare.compare(
            chosen.task or read_data(chosen.data, chosen.label),
            rows=chosen.rows,
            trunk=chosen.trunk,
            learning_rates=chosen.learning_rates,
            seeds=chosen.seeds,
            steps=chosen.steps,
            batch_size=chosen.batch_size,
            examples=chosen.examples and [*chosen.examples, None],
            minutes=chosen.minutes,
            results_dir=chosen.results,
            cluster=chosen.ray and Cluster(chosen.ray),
            normalize=not chosen.no_normalize,
            print_fn=lambda line: print(line, flush=True),
        )
    except ValueError as error:
        sys.exit(f"keras-fpt compare: {error}")
    print(f"\n{results}")
    if chosen.plot:
        results.plot(chosen.plot)


DATA = """a .npz file with x and y (and padding_mask, or x_validation,
y_validation, x_test, y_test), or a .csv file with one example a row"""


def read_data(path: pathlib.Path, label: str) -> Any:
    """Reads arrays from a file, in the form that `compare` takes.

    Args:
        path: path. A `.npz` file with `x` and `y`, or a `.csv` file of numbers
            with one example a row: each column is a token.
        label: string. The column of the labels in a `.csv` file.

    Raises:
        ValueError: if the file is of another kind or lacks an array or column.
    """
    import numpy as np
    import pandas as pd

    if path.suffix not in (".csv", ".npz"):
        raise ValueError(f"Expected a .npz or .csv file. Received: {path.name}")
    if not path.is_file():
        raise ValueError(f"There is no file {str(path)!r}")
    if path.suffix == ".csv":
        frame = pd.read_csv(path)
        if label not in frame:
            raise ValueError(
                f"{path.name} has no column {label!r}: name the column of the "
                f"labels by --label. Columns: {', '.join(map(str, frame))}"
            )
        y = frame.pop(label).to_numpy()
        numbers = frame.select_dtypes("number")
        if numbers.shape != frame.shape:
            others = sorted(set(frame) - set(numbers))
            raise ValueError(
                f"Columns of {path.name} are numbers, one token each. "
                f"Received: {others[0]!r}"
            )
        return numbers.to_numpy("float32")[:, :, None], y
    with np.load(path) as file:
        arrays = dict(file)

    def pair(end: str = "") -> tuple[Any, Any]:
        missing = [n for n in (f"x{end}", f"y{end}") if n not in arrays]
        if missing:
            raise ValueError(
                f"{path.name} holds no array {missing[0]!r}. Arrays: "
                f"{', '.join(sorted(arrays))}"
            )
        x, mask = arrays[f"x{end}"], arrays.get(f"padding_mask{end}")
        tokens = x if mask is None else {"tokens": x, "padding_mask": mask}
        return tokens, arrays[f"y{end}"]

    if "x_test" in arrays or "x_validation" in arrays:
        return pair(), pair("_validation"), pair("_test")
    return pair()
