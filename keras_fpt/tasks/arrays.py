"""Makes a task from arrays: classes or regression, split and padded."""

from __future__ import annotations

import copy
import functools
from typing import Any

import keras
import numpy as np

from keras_fpt.sizes import whole_number
from keras_fpt.tasks.array_checks import read_groups
from keras_fpt.tasks.array_parts import check_readable
from keras_fpt.tasks.array_parts import pad_parts
from keras_fpt.tasks.array_parts import read_part
from keras_fpt.tasks.array_parts import read_parts
from keras_fpt.tasks.array_rows import ChosenRows
from keras_fpt.tasks.array_rows import choose_rows
from keras_fpt.tasks.array_rows import token_statistics
from keras_fpt.tasks.array_scores import check_loss
from keras_fpt.tasks.array_scores import own_metric
from keras_fpt.tasks.array_scores import read_metric
from keras_fpt.tasks.array_scores import score_key
from keras_fpt.tasks.array_scores import score_name
from keras_fpt.tasks.array_values import hash_of
from keras_fpt.tasks.data_task import Data
from keras_fpt.tasks.data_task import DataTask
from keras_fpt.tasks.splits import SPLITS
from keras_fpt.tasks.splits import check_shares
from keras_fpt.tasks.splits import check_split

Examples = tuple[Any, Any]
_READOUTS = ("last", "last_real", "mean")  # of layers, on a floor above


class ArrayTask(DataTask):
    """A task on your arrays.

    They are checked and copied once, and split into training, validation and
    test examples: stratified by class, from a seed. For classes the score is
    the accuracy; for regression the model is trained on the squared error,
    and the score is R2, so that higher is better everywhere.

    Args:
        x: array of shape `(examples, num_tokens, token_dim)`, or of ids of
            shape `(examples, num_tokens)`; a dict of `"tokens"` and
            `"padding_mask"`; or a list of arrays of several lengths, which
            are padded and masked here.
        y: array of shape `(examples,)`: whole numbers or strings are classes,
            floats are regression. Of shape `(examples, k)`: classes at each
            of the last k tokens, or k numbers to predict.
        validation: pair `(x, y)` or `None`. Defaults to `None`: a share of
            the examples.
        test: pair `(x, y)` or `None`. Defaults to `None`, likewise.
        groups: array of shape `(examples,)` or `None`. No two splits of `x`
            share a group: one speaker, patient or machine. Defaults to
            `None`.
        split_seed: int. Another seed is another split. Defaults to `0`.
        validation_share: float. Defaults to `0.15`, which leaves most to
            train on.
        test_share: float. Defaults to `0.15`.
        num_examples: int or `None`. Number of training examples that are
            kept; fewer are among more. Defaults to `None`, all.
        normalize: bool. Whether `normalization` is set, by which models
            standardize tokens that are vectors. Defaults to `True`.
        readout: string or `None`. Defaults to `None`: `"last"`, or
            `"last_real"` where sequences are padded.
        loss: Keras loss, its name, a function or `None`. Defaults to `None`,
            cross entropy or mean squared error.
        metric: Keras metric, its name, a function or `None`. Larger is
            better. Defaults to `None`, accuracy or R2.
        name: string. In the hash key of experiments. Defaults to `"arrays"`.

    Attributes:
        split_rows: dict from `"train"`, `"validation"` and `"test"` to row
            numbers of `x`, or of the pair that was given.
        fingerprint: string. Hash of all arrays.

    Raises:
        ValueError: if the arrays do not fit, with the first example that does
            not.

    Example:

    ```python
    x = [np.random.rand(length, 3) for length in (5, 7, 9) * 20]
    y = np.arange(60) % 2
    task = keras_fpt.tasks.ArrayTask(x, y)
    task.train_data(batch_size=8)[0][0]["tokens"].shape
    ```
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        validation: Examples | None = None,
        test: Examples | None = None,
        *,
        groups: Any = None,
        split_seed: int = 0,
        validation_share: float = 0.15,
        test_share: float = 0.15,
        num_examples: int | None = None,
        normalize: bool = True,
        readout: str | None = None,
        loss: Any = None,
        metric: Any = None,
        name: str = "arrays",
    ) -> None:
        self._arguments = {}  # the arrays are in its parts, once
        self.name = _checked("name", name, isinstance(name, str) and name)
        is_flag = isinstance(normalize, (bool, np.bool_))
        self._normalize = _checked("normalize", normalize, is_flag)
        check_loss(loss)
        self._loss, self._metric = loss, read_metric(metric)
        self._shares = check_shares((validation_share, test_share))
        self._parts = {"train": read_part((x, y))}
        for split, pair in (("validation", validation), ("test", test)):
            if pair is not None:
                self._parts[split] = read_part(pair, split)
        self._groups = read_groups(groups, len(self._parts["train"]))
        if groups is not None and set(self._parts) == set(SPLITS):
            raise ValueError(
                "`groups` keeps a group in one split, and all splits are "
                "given: leave out `groups`, or `validation` and `test`"
            )
        self._set_outputs()
        self._set_inputs(readout)
        self.split_seed = whole_number("split_seed", split_seed, least=0)
        self.num_examples = num_examples
        if num_examples is not None:
            self.num_examples = whole_number("num_examples", num_examples)
        self.choose_rows()

    @property
    def options(self) -> dict[str, Any]:
        """What decides what it gives, beside the arrays."""
        given = set(self._parts)
        options: dict[str, Any] = {"readout": self.readout}
        if given != set(SPLITS):
            options["split_seed"] = self.split_seed
            options["shares"] = self._shares
        for name, value, default in (
            ("num_examples", self.num_examples, None),
            ("normalize", self._normalize, True),
            ("loss", score_key(self._loss), None),
            ("metric", score_key(self._metric), None),
        ):
            if value != default:
                options[name] = value
        return options

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        parts = [self._parts.get(split) for split in SPLITS]
        arrays = [
            array
            for part in parts
            if part is not None
            for array in (part.x, part.y, part.lengths)
        ]
        return hash_of([*arrays, self._groups])

    def with_split(self, seed: int) -> ArrayTask:
        """The same arrays, split by another seed.

        Args:
            seed: int. The task itself comes back if its splits were given.
        """
        seed = whole_number("seed", seed, least=0)
        if set(self._parts) == set(SPLITS):
            return self
        other = self._copy()
        other.split_seed = seed
        other.choose_rows()
        return other

    def with_examples(self, num_examples: int) -> ArrayTask:
        """The same task with fewer training examples.

        Args:
            num_examples: int. The first 50 are among the first 200.
        """
        other = self._copy()
        other.num_examples = whole_number("num_examples", num_examples)
        other.choose_rows()
        return other

    def data(self, split: str) -> Data:
        # Rows of x are copied batch by batch: x is in memory once.
        if split not in self._rows_of:
            check_split(split)
            part = self._parts.get(split, self._parts["train"])
            rows = self.split_rows[split]
            lengths = None if part.lengths is None else part.lengths[rows]
            if lengths is None and self.padding_mask:
                lengths = np.full(len(rows), part.x.shape[1])
            x: Any = ChosenRows(part.x, rows)
            self._rows_of[split] = Data(x, part.y[rows], lengths)
        return self._rows_of[split]

    def load(self, split: str) -> Data:
        data = self.data(split)
        return Data(data.x[:], data.y.copy(), data.lengths)

    def tokens(self, x: np.ndarray, rng: np.random.Generator | None) -> Any:
        return x

    def compile_args(self, learning_rate: Any = None) -> dict[str, Any]:
        arguments = super().compile_args(learning_rate)
        if not self.class_names:
            arguments["loss"] = keras.losses.MeanSquaredError()
            arguments["metrics"] = [keras.metrics.R2Score(name="r2")]
        if self._loss is not None:
            arguments["loss"] = self._loss
        if self._metric is not None:
            arguments["metrics"] = [own_metric(self._metric)]
        return arguments

    def __repr__(self) -> str:
        counts = ", ".join(f"{s}={len(self.split_rows[s])}" for s in SPLITS)
        return (
            f"ArrayTask(name={self.name!r}, inputs={self.inputs}, "
            f"outputs={self.outputs}, {counts})"
        )

    def _copy(self) -> ArrayTask:
        other = copy.copy(self)
        # All copies share it.
        other.__dict__["fingerprint"] = self.fingerprint
        return other

    def _set_outputs(self) -> None:
        self._parts, names, self.outputs = read_parts(self._parts)
        self.class_names: tuple[str, ...] | None = names
        if names is None:
            self.metric = "r2"
            self.floor_accuracy = 0.0
            self.floor_reason = "always answers the mean"
        if self._metric is not None:
            self.metric = str(score_name(self._metric))

    def _set_inputs(self, readout: str | None) -> None:
        self._parts, self.padded_lengths = pad_parts(self._parts)
        self.padding_mask = bool(self.padded_lengths)
        if readout is None:
            readout = "last_real" if self.padding_mask else "last"
        several = isinstance(self.outputs, tuple)
        self.readout = _checked("readout", readout, readout in _READOUTS)
        if readout == "last_real" and not self.padding_mask:
            raise ValueError(
                "All sequences have one length, so that the last token is a "
                "real one: leave `readout` out. Received: readout='last_real'"
            )
        if readout == "mean" and several:
            raise ValueError(
                "readout='mean' reads one vector of a sequence. Received: y "
                f"with {self.outputs[0]} classes for each example"
            )
        xs = [part.x for part in self._parts.values()]
        if xs[0].ndim == 3:
            self.inputs: Any = xs[0].shape[1:]
        else:
            size = 1 + max(int(x.max()) for x in xs)
            length = xs[0].shape[1]
            self.inputs = {"num_tokens": length, "vocabulary_size": size}
        check_readable(self._parts, self.outputs[0] if several else 1)

    def choose_rows(self) -> None:
        """Splits the rows by `split_seed`, and keeps `num_examples` of them."""
        train = self._parts["train"]
        one = train.y.ndim == 1
        rows = choose_rows(
            {split: len(part) for split, part in self._parts.items()},
            train.y if self.class_names and one else None,
            self._shares,
            self.split_seed,
            self._groups,
            self.num_examples,
        )
        self.split_rows = rows
        self._rows_of: dict[str, Data] = {}
        self.num_train_examples = len(rows["train"])
        self.num_validation_examples = len(rows["validation"])
        self.num_test_examples = len(rows["test"])
        self._describe_split()

    def _describe_split(self) -> None:
        """What follows from the split: statistics of tokens, the floor."""
        part, rows = self._parts["train"], self.split_rows["train"]
        if self._normalize and part.x.ndim == 3:
            self.normalization = token_statistics(part.x, part.lengths, rows)
        if self.class_names:
            counts = np.bincount(self.data("test").y.ravel())
            self.floor_accuracy = float(counts.max() / counts.sum())
            self.floor_reason = "always answers the most frequent class"
        elif self.metric == "r2" and self._metric is None:
            for split in ("validation", "test"):
                y = self.data(split).y
                if not np.ptp(y, axis=0).any():
                    raise ValueError(
                        "R2 compares with the mean of the answers: expected "
                        f"two different ones in {split} at least. Received: "
                        f"{len(y)} of {y[0].tolist()}"
                    )


def _checked(name: str, value: Any, fits: Any) -> Any:
    forms = {
        "name": "a string that is not empty",
        "normalize": "True or False",
        "readout": f"one of {_READOUTS}, or None",
    }
    if not fits:
        raise ValueError(
            f"`{name}` must be {forms[name]}. Received: {name}="
            + (str(type(value)) if hasattr(value, "shape") else repr(value))
        )
    return value
