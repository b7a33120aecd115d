"""Checks the arguments of `compare` before anything is trained."""

from __future__ import annotations

import math
import numbers
import os
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_fpt import tasks
from keras_fpt.sizes import whole_number


def read_rates(rates: Any) -> tuple[float, ...]:
    """Learning rates as floats, each once."""
    listed = _listed("learning_rates", rates)
    if not listed or not all(_is_number(r) and 0 < r for r in listed):
        raise ValueError(
            "`learning_rates` are positive numbers, at least one. Received: "
            f"learning_rates={_short(rates)}"
        )
    return tuple(dict.fromkeys(float(rate) for rate in listed))


def read_counts(examples: Any) -> tuple[int | None, ...]:
    """Numbers of training examples, each once; `None` is all of them."""
    if examples is None:
        return (None,)
    listed = _listed("examples", examples)
    if not listed:
        raise ValueError(
            "`examples` are whole numbers, or None for all. Received: "
            f"examples={_short(examples)}"
        )
    return tuple(
        dict.fromkeys(
            None if count is None else whole_number("examples", count)
            for count in listed
        )
    )


def check_minutes(minutes: Any, cluster: Any) -> None:
    """Refuses a budget that is no number, or of no machine."""
    if minutes is None:
        return
    if not _is_number(minutes) or minutes < 0:
        raise ValueError(
            "`minutes` is a number of at least 0, or None. Received: "
            f"minutes={_short(minutes)}"
        )
    if cluster is not None:
        raise ValueError(
            "`minutes` is a budget of this machine: leave it out with a cluster"
        )


def read_folder(results_dir: Any) -> pathlib.Path:
    """The folder of records, which may have to be made."""
    if not isinstance(results_dir, (str, os.PathLike)) or not str(results_dir):
        raise ValueError(
            "`results_dir` is a path. Received: "
            f"results_dir={_short(results_dir)}"
        )
    folder = pathlib.Path(results_dir)
    if folder.exists() and not folder.is_dir():
        raise ValueError(
            f"`results_dir` is a folder. Received a file: {str(folder)!r}"
        )
    return folder


def check_kinds(trunk: Any, cluster: Any, print_fn: Any) -> None:
    """Refuses arguments of another kind."""
    for name, value, fits, expected in (
        ("trunk", trunk, isinstance(trunk, (str, os.PathLike)), "a string"),
        (
            "cluster",
            cluster,
            cluster is None or callable(getattr(cluster, "run", None)),
            "a `keras_fpt.experiments.Cluster` or None",
        ),
        ("print_fn", print_fn, callable(print_fn), "a function"),
    ):
        if not fits:
            raise ValueError(
                f"`{name}` is {expected}. Received: {name}={_short(value)}"
            )


def task_of(
    data: Any, groups: Any, normalize: bool, loss: Any, metric: Any
) -> Any:
    """The task that `data` stands for."""
    if isinstance(data, str):
        data = tasks.get(data)
    given = {"groups": groups, "loss": loss, "metric": metric}
    if isinstance(data, tasks.Task):
        named = [name for name, value in given.items() if value is not None]
        named += ["normalize"] if normalize is not True else []
        if named:
            raise ValueError(
                f"A task says its {', '.join(named)} itself: pass arrays, or "
                "leave them out"
            )
        return data
    pairs = [data] if _is_pair(data) else data
    listed = isinstance(pairs, (tuple, list)) and all(map(_is_pair, pairs))
    if not listed or len(pairs) not in (1, 3):
        count = f" of {len(data)}" if isinstance(data, (tuple, list)) else ""
        raise ValueError(
            "`data` is (x, y), three such pairs for train, validation and "
            f"test, a task or its name. Received: {type(data).__name__}{count}"
        )
    (x, y), *others = pairs
    validation, test = others or (None, None)
    return tasks.ArrayTask(x, y, validation, test, normalize=normalize, **given)


def _is_pair(data: Any) -> bool:
    """Whether it is `(x, y)`, and not two of them."""
    return (
        isinstance(data, (tuple, list))
        and len(data) == 2
        and not all(isinstance(each, tuple) for each in data)
    )


def _listed(name: str, values: Any) -> list[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ValueError(
            f"`{name}` is a list of numbers. Received: {name}={_short(values)}"
        )
    return list(values)


def _is_number(value: Any) -> bool:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and not isinstance(value, np.bool_) and math.isfinite(value)


def _short(value: Any) -> str:
    """A value on one line."""
    written = " ".join(repr(value).split())
    return written if len(written) < 80 else f"{written[:76]} ..."
