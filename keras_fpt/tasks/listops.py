"""ListOps: the value of a nested expression on lists of digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_fpt.cache import Path
from keras_fpt.cache import cached
from keras_fpt.cache import expect_arrays
from keras_fpt.sizes import whole_number
from keras_fpt.tasks import listops_files
from keras_fpt.tasks.data_task import Data
from keras_fpt.tasks.data_task import DataTask
from keras_fpt.tasks.listops_trees import END
from keras_fpt.tasks.listops_trees import TreeSizes
from keras_fpt.tasks.listops_trees import generate

# Part of the key of cached data: count it up where `generate` changes.
_FORMAT = 2
_PAPER_TOKENS = 512
# More lengths pad less, and each is compiled once.
_NUM_PADDED_LENGTHS = 6


class ListOps(DataTask):
    """Compute the value of an expression such as `[MAX 4 [SM 7 8 ] 3 ]`.

    Operators take lists of digits and of expressions: `MIN`, `MAX`, `MED`
    (the median, rounded down) and `SM` (the sum modulo 10). The value is a
    digit: 10 classes.

    The paper's data lacks closing brackets, by an error of the loader that it
    took over, and holds the first 512 tokens of an expression: 87 % are cut.
    The value often does not follow from what is left, for any model.
    `variant="lra"` is whole.

    Data is generated, or read from Long Range Arena's files. Generated
    expressions are distributed as those in the files, all different, and
    kept in a cache: 100,000 take about 15 seconds and 104 MB.

    Batches: ids of shape `(batch, num_tokens)`, int32; classes of shape
    `(batch,)`, int32. With `variant="lra"` a dict of `"tokens"` and a
    `"padding_mask"`, both padded to one of six lengths.

    Args:
        variant: string. `"paper"` or `"lra"`. Defaults to `"paper"`.
        data_dir: string, path or `None`. Folder with `basic_train.tsv`,
            `basic_val.tsv` and `basic_test.tsv`. Defaults to `None`: the data
            is generated.
        min_length: int. Generated expressions are longer, brackets included.
            Defaults to `500`.
        max_length: int. Generated expressions are shorter. Defaults to
            `2000`.
        max_depth: int. Nested levels, that of the digits included. Defaults
            to `10`.
        max_args: int. Most arguments of an operator; the least is two.
            Defaults to `10`.
        num_train_examples: int. Defaults to `96_000`.
        num_validation_examples: int. Defaults to `2_000`.
        num_test_examples: int. Defaults to `2_000`.
        num_tokens: int or `None`. Longest sequence. Defaults to `None`: 512
            with `variant="paper"`, `max_length` with `variant="lra"`.
        generator_seed: int. Another seed is another set of expressions;
            below 2**32. Defaults to `0`.
        cache_dir: string, path or `None`. Where generated data is kept, as
            `keras_fpt.cache.cache_folder` chooses. Defaults to `None`.

    Raises:
        ValueError: if a size does not fit, `num_tokens` cuts expressions with
            `variant="lra"`, or a file has a row that is no expression.
        FileNotFoundError: if `data_dir` lacks a file.

    Example:

    ```python
    task = keras_fpt.tasks.ListOps(
        max_length=600,
        num_train_examples=80,
        num_validation_examples=10,
        num_test_examples=10,
        cache_dir="listops",
    )
    x, y = task.train_data(batch_size=4)[0]  # (4, 512), (4,)
    ```

    Reference:
        [Tay et al., 2021](https://arxiv.org/abs/2011.04006), section 2.2.1;
        [Nangia and Bowman, 2018](https://arxiv.org/abs/1804.06028);
        [Lu et al., 2021](https://arxiv.org/abs/2103.05247), section 2.1
    """

    name = "listops"
    num_train_examples: int
    outputs = 10
    variants = {
        "paper": "no closing brackets, the first 512 tokens, read out at the "
        "last, which is padding where an expression is shorter",
        "lra": "Long Range Arena's corrected form: closing brackets, whole "
        "expressions, read out at the last real token",
    }
    class_names = tuple("0123456789")
    floor_accuracy: float | None = 0.17
    floor_reason = "answers 0 or 9, the most frequent classes"
    citation = (
        "Tay et al., 2021, Long Range Arena (arXiv 2011.04006); Nangia and "
        "Bowman, 2018, ListOps (arXiv 1804.06028)"
    )
    licence = "generated here; Long Range Arena's files are Apache-2.0"

    def __init__(
        self,
        variant: str = "paper",
        data_dir: Path | None = None,
        min_length: int = 500,
        max_length: int = 2000,
        max_depth: int = 10,
        max_args: int = 10,
        num_train_examples: int = 96_000,
        num_validation_examples: int = 2_000,
        num_test_examples: int = 2_000,
        num_tokens: int | None = None,
        generator_seed: int = 0,
        cache_dir: Path | None = None,
    ) -> None:
        self.check_variant(variant)
        self.variant = variant
        self.data_dir = data_dir
        self.sizes = TreeSizes(min_length, max_length, max_depth, max_args)
        self.num_train_examples = whole_number(
            "num_train_examples", num_train_examples
        )
        self.num_validation_examples = whole_number(
            "num_validation_examples", num_validation_examples
        )
        self.num_test_examples = whole_number(
            "num_test_examples", num_test_examples
        )
        if self.sizes != TreeSizes():
            self.floor_accuracy = None
            self.floor_reason = "the most frequent class, which sizes decide"
        self.generator_seed = whole_number(
            "generator_seed", generator_seed, least=0, below=2**32
        )
        self.cache_dir = cache_dir
        brackets = variant == "lra"
        if num_tokens is None:
            num_tokens = self.sizes.max_length if brackets else _PAPER_TOKENS
        self.num_tokens = whole_number("num_tokens", num_tokens)
        self.inputs = {
            "num_tokens": self.num_tokens,
            # Without the closing bracket, which is the last id.
            "vocabulary_size": END + 1 if brackets else END,
        }
        self._waiting: dict[str, Data] = {}
        if brackets:
            self._check_whole(self.sizes.max_length - 1)
            self.readout, self.padding_mask = "last_real", True
            self.padded_lengths = self._padded_lengths()

    def load(self, split: str) -> Data:
        if self.data_dir is not None:
            return self._rows(**listops_files.read(self.data_dir, split))
        if split not in self._waiting:
            self._waiting = self._generated()
        return self._waiting.pop(split)

    def tokens(self, x: np.ndarray, rng: np.random.Generator | None) -> Any:
        return x.astype("int32")

    def _generated(self) -> dict[str, Data]:
        """All splits: they share one set of different expressions.

        The test set comes first, then validation, so that they stay the same
        whatever the number of training examples.
        """
        counts = {
            "test": self.num_test_examples,
            "validation": self.num_validation_examples,
            "train": self.num_train_examples,
        }
        total = sum(counts.values())
        sizes, seed = self.sizes, self.generator_seed
        drawn = cached(
            f"listops-{_FORMAT}-{total}-{sizes.min_length}-{sizes.max_length}"
            f"-{sizes.max_depth}-{sizes.max_args}-{seed}",
            lambda: generate(total, sizes, seed),
            self.cache_dir,
            lambda arrays: _check_drawn(arrays, total),
        )
        data = self._rows(**drawn)
        parts, start = {}, 0
        for split, count in counts.items():
            rows = slice(start, start + count)
            lengths = None if data.lengths is None else data.lengths[rows]
            parts[split] = Data(data.x[rows], data.y[rows], lengths)
            start += count
        return parts

    def _rows(
        self, tokens: np.ndarray, lengths: np.ndarray, values: np.ndarray
    ) -> Data:
        """Rows of a matrix, padded with 0, of expressions end to end."""
        if self.variant == "lra":
            self._check_whole(int(lengths.max()))
        else:
            kept = tokens != END
            starts = np.cumsum(lengths) - lengths
            lengths = np.add.reduceat(kept, starts, dtype="int32")
            tokens = tokens[kept]
        starts = np.cumsum(lengths) - lengths
        lengths = np.minimum(lengths, self.num_tokens)
        x = np.zeros((len(lengths), self.num_tokens), "uint8")
        for row, start, length in zip(x, starts, lengths, strict=True):
            row[:length] = tokens[start : start + length]
        return Data(x, values, lengths if self.variant == "lra" else None)

    def _padded_lengths(self) -> tuple[int, ...]:
        """Lengths at even steps, up to the longest."""
        low = min(self.sizes.min_length, self.num_tokens - 1)
        steps = np.linspace(low, self.num_tokens, _NUM_PADDED_LENGTHS + 1)
        return tuple(int(n) for n in np.unique(np.ceil(steps[1:])))

    def _check_whole(self, longest: int) -> None:
        if longest > self.num_tokens:
            raise ValueError(
                f"Expressions of up to {longest} tokens do not fit into "
                f"num_tokens={self.num_tokens}: they would lose their end, "
                "and with it their value. Raise `num_tokens`, or generate "
                "with a lower `max_length`"
            )


def _check_drawn(arrays: dict[str, np.ndarray], total: int) -> None:
    """Refuses what `generate` does not return."""
    expect_arrays(arrays, tokens="uint8", lengths="int32", values="int32")
    tokens, lengths = arrays["tokens"], arrays["lengths"]
    values = arrays["values"]
    shapes = (total,), (total,), (int(lengths.sum(dtype="int64")),)
    if (lengths.shape, values.shape, tokens.shape) != shapes:
        raise ValueError(f"expected {total:,} expressions")
    if lengths.min() < 1 or tokens.max() > END:
        raise ValueError("no expressions")
    if values.min() < 0 or values.max() > 9:
        raise ValueError(f"values from {values.min()} to {values.max()}")
