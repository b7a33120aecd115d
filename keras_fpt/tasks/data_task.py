"""Tasks on a set of examples, stored in files: splits, epochs, lengths."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_fpt.tasks.batches import Batches
from keras_fpt.tasks.batches import ShuffledStream
from keras_fpt.tasks.splits import check_split
from keras_fpt.tasks.task import Examples
from keras_fpt.tasks.task import Task
from keras_fpt.tasks.task_checks import check_data


@dataclasses.dataclass(frozen=True)
class Data:
    """The rows of a split, as they are kept in memory.

    Args:
        x: array of shape `(rows, ...)`. Compact: pixels and ids as uint8.
        y: int array of shape `(rows,)`. Classes.
        lengths: int array of shape `(rows,)` or `None`. How many tokens of
            each row of `x` are real, in a task with a padding mask; `None` if
            all. Defaults to `None`.
    """

    x: np.ndarray
    y: np.ndarray
    lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)


class DataTask(Task):
    """A task on a fixed set of examples.

    A subclass sets `num_train_examples`, `num_validation_examples` and
    `num_test_examples`, which a reading is checked against, reads a split in
    `load` and makes tokens of rows in `tokens`. Each split is read once, when
    it is first asked for.

    Attributes:
        padded_lengths: tuple of ints, ascending. The lengths that a batch of
            sequences may have: few, for each is compiled once on JAX and
            TensorFlow. The last is the longest that a sequence may have.
            Defaults to `()`: all rows have one length.
        augment: bool. Whether `tokens` changes training examples randomly.
            Defaults to `False`.

    Example:

    ```python
    class Peaks(keras_fpt.tasks.DataTask):
        inputs, outputs = (16, 4), 16  # where is the largest reading?
        num_train_examples = 500
        num_validation_examples = num_test_examples = 100

        def load(self, split):  # read your file here
            rng = np.random.default_rng(len(split))
            x = rng.random((500 if split == "train" else 100, 16, 4))
            return keras_fpt.tasks.Data(x, x.max(axis=2).argmax(axis=1))

        def tokens(self, x, rng):
            return x.astype("float32")


    x, y = Peaks().train_data(batch_size=8)[0]  # (8, 16, 4), (8,)
    ```
    """

    padded_lengths: tuple[int, ...] = ()
    augment: bool = False
    # Each such task says how many its files hold.
    num_train_examples: int | None = None
    num_validation_examples: int = 0
    num_test_examples: int = 0

    def load(self, split: str) -> Data:
        """Reads `"train"`, `"validation"` or `"test"`."""
        raise NotImplementedError(
            f"{type(self).__name__} reads no data: write a method `def "
            "load(self, split)` that returns `keras_fpt.tasks.Data(x, y)`"
        )

    def tokens(self, x: np.ndarray, rng: np.random.Generator | None) -> Any:
        """Makes tokens of rows: `(batch, ...)` to `(batch, num_tokens, ...)`.

        Args:
            x: array. Rows of `Data.x`.
            rng: `numpy.random.Generator` for training examples, which may be
                augmented, or `None`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} makes no tokens of its rows: write a "
            "method `def tokens(self, x, rng)`, which may return x as it is"
        )

    def data(self, split: str) -> Data:
        """The rows of a split, read and checked on first use."""
        check_split(split)
        if not hasattr(self, "_data"):
            self._data: dict[str, Data] = {}
        if split not in self._data:
            data = self.load(split)
            self._check(split, data)
            self._data[split] = data
        return self._data[split]

    def examples_at(
        self,
        split: str,
        rows: np.ndarray,
        rng: np.random.Generator | None = None,
    ) -> Examples:
        """Examples at some rows, padded no further than they need.

        Args:
            split: string. `"train"`, `"validation"` or `"test"`.
            rows: int array of shape `(batch,)`.
            rng: `numpy.random.Generator` for augmented examples. Defaults to
                `None`.
        """
        data = self.data(split)
        x, y = data.x[rows], data.y[rows]
        if data.lengths is None:
            return self.checked((self.tokens(x, rng), y), len(y), "tokens")
        lengths = data.lengths[rows]
        length = self.padded_to(lengths).max()
        mask = np.arange(length) < lengths[:, None]  # (batch, length)
        tokens = self.tokens(x[:, :length], rng)
        examples = {"tokens": tokens, "padding_mask": mask}, y
        return self.checked(examples, len(y), "tokens")

    def padded_to(self, lengths: np.ndarray) -> np.ndarray:
        """The least of `padded_lengths` that holds each length."""
        choices = np.array(self.padded_lengths)
        return choices[np.searchsorted(choices, lengths)]

    def train_data(
        self, batch_size: int, seed: int = 0, start: int = 0, **kwargs: Any
    ) -> ShuffledStream:
        data = self.data("train")
        lengths = data.lengths
        return ShuffledStream(
            lambda rows, rng: self.examples_at("train", rows, rng),
            len(data),
            batch_size,
            seed,
            start,
            groups=None if lengths is None else self.padded_to(lengths),
            **kwargs,
        )

    def validation_data(self, batch_size: int = 256) -> Batches:
        return self._fixed("validation", batch_size)

    def test_data(self, batch_size: int = 256) -> Batches:
        return self._fixed("test", batch_size)

    def train_examples(self) -> Examples:
        if self.augment:
            raise ValueError(
                f"{type(self).__name__} augments training examples anew each "
                "time: pass `augment=False` to it"
            )
        return self._all("train")

    def validation_examples(self) -> Examples:
        return self._all("validation")

    def test_examples(self) -> Examples:
        return self._all("test")

    def padded_share(self, batch_size: int, seed: int = 0) -> float:
        """Share of training tokens that are padding, over about an epoch."""
        data = self.data("train")
        if data.lengths is None:
            return 0.0
        stream = self.train_data(batch_size, seed)
        real = total = 0
        for position in range(stream.order.pool_size):
            lengths = data.lengths[stream.order.rows(position)]
            real += int(lengths.sum())
            total += len(lengths) * int(self.padded_to(lengths).max())
        return 1 - real / total

    def _all(self, split: str) -> Examples:
        return self.examples_at(split, np.arange(len(self.data(split))))

    def _fixed(self, split: str, batch_size: int) -> Batches:
        lengths = self.data(split).lengths
        if lengths is not None:
            lengths = self.padded_to(lengths)
        return Batches(self._all(split), batch_size, lengths)

    def _check(self, split: str, data: Data) -> None:
        check_data(self, split, data, Data, self.has_classes)
        name = f"num_{split}_examples"
        count, expected = len(data), getattr(self, name)
        if not expected:
            raise ValueError(
                f"{type(self).__name__} does not say how many examples its "
                f"{split} split has, which guards against cut files: set "
                f"`{name}`. Received: {count:,} examples"
            )
        if count != expected:
            raise ValueError(
                f"The {split} split of {type(self).__name__} "
                f"({self.variant}) has {expected:,} examples. Received "
                f"{count:,}: the data is cut or of another version; fetch it "
                "again"
            )
