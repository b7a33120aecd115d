"""Checks batches on their way into a model, whatever data set they come from.

A wrong id or class is silence on one backend and a crash on another: each
batch is looked at where it is in the memory of the host, in microseconds, and
of a `tf.data.Dataset` the first of each epoch.
"""

from __future__ import annotations

import copy
import sys
import types
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_fpt.checks import check_classes
from keras_fpt.sizes import whole_number

_SPARSE = "sparse_categorical_crossentropy"


class DataWatch:
    """Checks the data of one `fit`, `evaluate` or `predict`.

    As a context, it turns what a backend made of a refusal, pages of a graph
    among them, into the refusal itself.

    Args:
        check: callable that takes `(x, y)` of a batch, in arrays, and refuses
            what no model can read.
        answers: bool. Whether y is needed.
    """

    def __init__(
        self, check: Callable[[Any, Any], None], answers: bool
    ) -> None:
        self.check = check
        self.answers = answers
        self.refusal: str | None = None

    def __enter__(self) -> DataWatch:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if self.refusal is not None and str(error) != self.refusal:
            raise ValueError(self.refusal) from None

    def data(self, x: Any, y: Any = None) -> Any:
        """Checks arrays; data sets come back as such that are checked."""
        if isinstance(x, keras.utils.PyDataset):
            return _WatchedDataset(x, self)
        if isinstance(x, types.GeneratorType):
            return self._each(x)
        if _is_of("torch.utils.data", "DataLoader", x):
            return _watched_loader(x, self)
        if _is_of("tensorflow", "data.Dataset", x):
            return _watched_tf(x, self)
        if x is not None:
            self.batch(x, y)
        return x

    def batch(self, x: Any, y: Any = None) -> None:
        """Checks arrays and tensors of one batch, or of all examples."""
        try:
            if self.answers and y is None:
                raise ValueError(
                    "The loss compares with answers: pass `y`, or batches "
                    "(x, y) of a data set. Received: x alone"
                )
            x = keras.tree.map_structure(on_host, x)
            self.check(x, None if y is None else on_host(y))
        except ValueError as error:
            self.refusal = str(error)
            raise

    def element(self, batch: Any, first: bool) -> None:
        """Checks what a data set gives: inputs, answers, weights.

        Args:
            batch: array, dict, or tuple of them.
            first: bool. Whether it is an epoch's first: others are not
                fetched from an accelerator.
        """
        parts = batch if isinstance(batch, (tuple, list)) else (batch,)
        if first or all(map(is_near, keras.tree.flatten(parts))):
            self.batch(parts[0], parts[1] if len(parts) > 1 else None)

    def _each(self, generator: Any) -> Iterator[Any]:
        for index, batch in enumerate(generator):
            self.element(batch, first=index == 0)
            yield batch


class _WatchedDataset(keras.utils.PyDataset):
    """A data set whose batches are checked as they are made."""

    def __init__(self, data: Any, watch: DataWatch) -> None:
        super().__init__(
            data.workers, data.use_multiprocessing, data.max_queue_size
        )
        self.watched, self.watch = data, watch

    @property
    def num_batches(self) -> int | None:
        return self.watched.num_batches

    def __getitem__(self, index: int) -> Any:
        batch = self.watched[index]
        self.watch.element(batch, first=index == 0)
        return batch

    def on_epoch_begin(self) -> None:
        self.watched.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.watched.on_epoch_end()


def _watched_loader(loader: Any, watch: DataWatch) -> Any:
    """The same `torch.utils.data.DataLoader`, checked in this process."""

    class Watched(type(loader)):  # type: ignore[misc]
        def __iter__(self) -> Iterator[Any]:
            for index, batch in enumerate(super().__iter__()):
                watch.element(batch, first=index == 0)
                yield batch

    watched = copy.copy(loader)
    watched.__class__ = Watched
    return watched


def _watched_tf(data: Any, watch: DataWatch) -> Any:
    """The same `tf.data.Dataset`; the first batch of an epoch is checked."""
    import tensorflow as tf

    specs = tf.nest.flatten(data.element_spec)
    if not all(isinstance(spec, tf.TensorSpec) for spec in specs):
        return data  # ragged or sparse: Keras has its own words for them

    def look(index: Any, batch: Any) -> Any:
        def check(*arrays: Any) -> Any:
            watch.element(tf.nest.pack_sequence_as(batch, arrays), first=True)
            return np.int32(0)

        done = tf.cond(
            tf.equal(index, 0),
            lambda: tf.numpy_function(check, tf.nest.flatten(batch), tf.int32),
            lambda: tf.constant(0),
        )
        with tf.control_dependencies([done]):
            return tf.nest.map_structure(tf.identity, batch)

    return data.enumerate().map(look)


def is_near(value: Any) -> bool:
    """Whether an array is in the memory of the host."""
    if value is None or isinstance(value, np.ndarray):
        return True
    return "cpu" in str(getattr(value, "device", "")).lower()


def on_host(value: Any) -> Any:
    """An array or tensor with values as NumPy's; others as they are."""
    if type(value) is np.ndarray or not hasattr(value, "__array__"):
        return value
    try:
        detach = getattr(value, "detach", None)
        return np.asarray(detach().cpu() if detach else value)
    except (NotImplementedError, RuntimeError, TypeError, ValueError):
        return value  # a symbol, whose values are not known yet


def check_answers(y: Any, loss: Any, outputs: tuple[int, ...]) -> None:
    """Refuses what are no numbers, or no classes where the loss wants them.

    Args:
        y: array, or something else.
        loss: as of `compile`.
        outputs: tuple of ints. As of `check_classes`.
    """
    name = getattr(loss, "name", None) or getattr(loss, "__name__", loss)
    sparse = isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
    if isinstance(y, (list, tuple)):
        raise ValueError(
            "Expected y as one array: pass `np.array(y)`. Received: "
            f"{type(y).__name__} of {len(y)}"
        )
    if not isinstance(y, np.ndarray):
        return
    if y.dtype.kind in "OSUTMmc":
        raise ValueError(
            "Expected y as numbers: number classes by `np.unique(y, "
            f"return_inverse=True)[1]`. Received dtype {y.dtype}"
        )
    if sparse or name in (_SPARSE, "SparseCategoricalCrossentropy"):
        check_classes(y, outputs, getattr(loss, "ignore_class", None))


def check_end(x: Any, steps: Any, name: str, method: str) -> None:
    """Refuses data without end, on which Keras would go on for ever.

    Args:
        x: as of `fit`.
        steps: int or `None`. How many batches are taken.
        name: string. The argument that says so.
        method: string. Whose argument it is.
    """
    if steps is not None:
        whole_number(name, steps)
    count: Any = 1
    if isinstance(x, keras.utils.PyDataset):
        count = x.num_batches
    elif _is_of("tensorflow", "data.Dataset", x):
        count = int(x.cardinality())  # -1: without end; -2: not known
        count = None if count == -1 else count
    elif _is_of("torch.utils.data", "DataLoader", x):
        count = len(x) if hasattr(x.dataset, "__len__") else 1
    elif hasattr(x, "shape") and x.shape:
        count = x.shape[0]
    if count is None and not (steps or keras.config.max_steps_per_epoch()):
        raise ValueError(
            f"{type(x).__name__} gives batches without end: pass `{name}` to "
            f"`{method}`"
        )
    if count == 0:
        raise ValueError(
            f"Expected one example at least. Received: {type(x).__name__} "
            "with none"
        )


def check_class_weight(class_weight: Any, outputs: tuple[int, ...]) -> None:
    """Refuses weights of classes where an example has several answers."""
    if class_weight is not None and len(outputs) > 1:
        raise ValueError(
            "`class_weight` gives an example the weight of its class, and here "
            f"an example has {outputs[0]} answers: pass `sample_weight` of "
            f"shape (examples, {', '.join(map(str, outputs[:-1]))}), such as "
            "`np.vectorize(class_weight.get)(y)`. Received: class_weight="
            f"{class_weight!r}"
        )


def _is_of(module: str, name: str, value: Any) -> bool:
    """Whether it is of a class of a module that may not be there."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is not None and isinstance(value, found)
