"""The tasks of the paper: tokens in, classes out. They know no model."""

from __future__ import annotations

from typing import Any

from keras_fpt.tasks.arrays import ArrayTask
from keras_fpt.tasks.bit_memory import BitMemory
from keras_fpt.tasks.bit_xor import BitXor
from keras_fpt.tasks.cifar10 import CIFAR10
from keras_fpt.tasks.cifar10_lra import CIFAR10LRA
from keras_fpt.tasks.data_task import Data
from keras_fpt.tasks.data_task import DataTask
from keras_fpt.tasks.listops import ListOps
from keras_fpt.tasks.mnist import MNIST
from keras_fpt.tasks.remote_homology import RemoteHomology
from keras_fpt.tasks.shuffled import ShuffledTokens
from keras_fpt.tasks.task import Task

_TASKS: dict[str, type[Task]] = {
    "bit_memory": BitMemory,
    "bit_xor": BitXor,
    "listops": ListOps,
    "mnist": MNIST,
    "cifar10": CIFAR10,
    "cifar10_lra": CIFAR10LRA,
    "remote_homology": RemoteHomology,
}

__all__ = [
    "ArrayTask",
    "BitMemory",
    "BitXor",
    "CIFAR10",
    "CIFAR10LRA",
    "Data",
    "DataTask",
    "ListOps",
    "MNIST",
    "RemoteHomology",
    "ShuffledTokens",
    "Task",
    "class_of",
    "get",
    "names",
]


def names() -> list[str]:
    """Names of the tasks that `get` knows."""
    return list(_TASKS)


def class_of(name: str) -> type[Task]:
    """The class of a task that `get` knows."""
    return _TASKS[name]


def get(name: str, **arguments: Any) -> Task:
    """Makes a task.

    Args:
        name: string. One of `names()`.
        **arguments: sizes of the task, as its class documents them.

    Returns:
        A `Task`.

    Raises:
        ValueError: if there is no such task or a size does not fit.

    Example:

    ```python
    task = keras_fpt.tasks.get("bit_xor", num_bits=8)
    ```
    """
    if name not in _TASKS:
        raise ValueError(
            f"Unknown task {name!r}. Known tasks: {', '.join(names())}; a task "
            "of your own is a subclass of `keras_fpt.tasks.Task`"
        )
    return _TASKS[name](**arguments)
