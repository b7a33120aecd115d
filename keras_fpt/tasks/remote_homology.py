"""Remote homology: the fold of a protein from its amino acids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_fpt.cache import Path
from keras_fpt.tasks.data_task import Data
from keras_fpt.tasks.data_task import DataTask
from keras_fpt.tasks.tape_files import read_split
from keras_fpt.tasks.tape_rows import LETTERS
from keras_fpt.tasks.tape_rows import NUM_FOLDS
from keras_fpt.tasks.task import Examples

_HOLDOUTS = {
    "test_fold_holdout": "fold hold-out",
    "test_superfamily_holdout": "superfamily hold-out",
    "test_family_holdout": "family hold-out",
}
# The label of a sequence that is too long: no class, and so never right.
_TOO_LONG = -1
# TAPE's IUPAC vocabulary: <pad> 0, <mask> 1, <cls> 2, <sep> 3, <unk> 4.
_START, _END = 2, 3
_FIRST_LETTER = {"paper": 1, "code": 5}
_NUM_OUTPUTS = {"paper": NUM_FOLDS, "code": 1200}
# Right answers on a split of the rule that answers fold 36.
_FLOORS = {"valid": 15, "test_fold_holdout": 20}


class RemoteHomology(DataTask):
    """Recognize the fold of a protein, one of 1,195, from its amino acids.

    From the TAPE benchmark. The test set is the fold hold-out, in which no
    protein is of a superfamily that training has seen; 718 proteins, so that
    an accuracy of 13 % has a standard error of 1.3 points. Always answering
    fold 36, the most frequent of training, reaches 2.8 %: the floor.

    The paper excludes sequences of more than 1,024 amino acids. Here 7 of
    12,312 are left out of training. Those to evaluate on, 2 of 736 in
    validation and none in the fold hold-out, count as wrong: they come cut,
    with the label -1, which no answer equals. The loss of `compile_args`
    ignores them; one of your own is
    `keras.losses.SparseCategoricalCrossentropy(from_logits=True,
    ignore_class=-1)`.

    Batches: a dict of `"tokens"`, ids of shape `(batch, num_tokens)`, int32,
    and `"padding_mask"`, bool, padded with 0 to one of six lengths; classes
    of shape `(batch,)`, int32.

    `variant="code"` is the original's code: TAPE's tokenizer, 1,200 outputs,
    a mask that marks padding as real, and a readout at the padded end. The
    answer then depends on how far a batch is padded. It is tested on the
    validation split, as the original reports.

    Args:
        variant: string. `"paper"` or `"code"`. Defaults to `"paper"`.
        data_dir: string, path or `None`. A folder with TAPE's files, as
            JSON, LMDB, CSV or the archive `remote_homology.tar.gz`. `None` is
            the environment variable `TAPE_DATA_DIR`. Defaults to `None`.
        test_split: string. `"test_fold_holdout"`,
            `"test_superfamily_holdout"` or `"test_family_holdout"`, of which
            the floors are not known here. Defaults to `"test_fold_holdout"`.

    Raises:
        ValueError: if there is no such variant or test split; on first use,
            if a file is damaged, a row is malformed or rows are missing.
        FileNotFoundError: on first use, if the data is not there.

    Example:

    ```python
    task = keras_fpt.tasks.RemoteHomology(data_dir="tape")
    task.inputs  # {"num_tokens": 1024, "vocabulary_size": 26}
    ```

    Reference:
        [Rao et al., 2019](https://arxiv.org/abs/1906.08230);
        [Hou et al., 2018](https://doi.org/10.1093/bioinformatics/btx780)
    """

    num_tokens = 1024
    # The least padding on the training set that six multiples of 16 reach:
    # 22 % of the tokens at batch size 16; 128, 256, 512 and 1024 have 32 %.
    padded_lengths = (112, 176, 256, 352, 544, 1024)
    # Rows of TAPE's files; of those to train on, some are too long.
    num_rows: Mapping[str, int] = {
        "train": 12_312,
        "valid": 736,
        "test_fold_holdout": 718,
        "test_superfamily_holdout": 1_254,
        "test_family_holdout": 1_272,
    }
    num_left_out = 7

    variants = {
        "paper": "25 amino acids, 1,195 folds, read out at the last amino "
        "acid, tested on a hold-out",
        "code": "TAPE's tokenizer, 1,200 outputs, padding not masked, read "
        "out at the padded end, tested on the validation split",
    }
    padding_mask = True
    learning_rate = 1e-4
    citation = "Rao et al., 2019 (TAPE); Hou et al., 2018 (DeepSF); SCOP 1.75"
    licence = "TAPE: BSD-3-Clause"

    def __init__(
        self,
        variant: str = "paper",
        data_dir: Path | None = None,
        test_split: str = "test_fold_holdout",
    ) -> None:
        self.check_variant(variant)
        if test_split not in _HOLDOUTS:
            raise ValueError(
                f"`test_split` must be one of {tuple(_HOLDOUTS)}. "
                f"Received: test_split={test_split!r}"
            )
        if variant == "code" and test_split != "test_fold_holdout":
            raise ValueError(
                'variant="code" is tested on the validation split: leave '
                '`test_split` out, or take variant="paper". Received: '
                f"test_split={test_split!r}"
            )
        self.variant = variant
        self.data_dir = data_dir
        test = "valid" if variant == "code" else test_split
        self.file_splits = {
            "train": "train",
            "validation": "valid",
            "test": test,
        }
        self.splits = {**self.file_splits, "test": _HOLDOUTS.get(test, test)}
        first_letter = _FIRST_LETTER[variant]
        self.inputs = {
            "num_tokens": self.num_tokens,
            "vocabulary_size": first_letter + len(LETTERS),
        }
        self.outputs = _NUM_OUTPUTS[variant]
        self.readout = "last_real" if variant == "paper" else "last"
        self.num_train_examples = self.num_rows["train"] - self.num_left_out
        self.num_validation_examples = self.num_rows["valid"]
        self.num_test_examples = self.num_rows[test]
        if test in _FLOORS:
            self.floor_accuracy = _FLOORS[test] / self.num_rows[test]
            self.floor_reason = (
                "always answers fold 36, the most frequent of train (981 of "
                f"12,312): {_FLOORS[test]} of {self.num_rows[test]} in {test}"
            )

    def load(self, split: str) -> Data:
        name = self.file_splits[split]
        sequences, labels = read_split(self.data_dir, name)
        if len(sequences) != self.num_rows[name]:
            raise ValueError(
                f"TAPE's {name} split has {self.num_rows[name]:,} proteins. "
                f"Received {len(sequences):,}: the data is cut or of another "
                "version; fetch it again"
            )
        ids = [self._ids(sequence) for sequence in sequences]
        lengths = np.array([len(row) for row in ids], "int32")
        fits = lengths <= self.num_tokens
        if split == "train":
            ids = [row for row, kept in zip(ids, fits, strict=True) if kept]
            labels, lengths = labels[fits], lengths[fits]
        labels = np.where(lengths <= self.num_tokens, labels, _TOO_LONG)
        lengths = np.minimum(lengths, self.num_tokens)
        x = np.zeros((len(ids), self.num_tokens), "uint8")
        for row, source, length in zip(x, ids, lengths, strict=True):
            row[:length] = source[:length]
        return Data(x, labels.astype("int32"), lengths)

    def tokens(self, x: np.ndarray, rng: np.random.Generator | None) -> Any:
        return x.astype("int32")

    def examples_at(
        self,
        split: str,
        rows: np.ndarray,
        rng: np.random.Generator | None = None,
    ) -> Examples:
        x, y = super().examples_at(split, rows, rng)
        if self.variant == "code":
            # The original passes no mask: its model takes padding for real.
            x["padding_mask"] = np.ones_like(x["padding_mask"])
        return x, y

    def compile_args(self, learning_rate: Any = None) -> dict[str, Any]:
        return {
            **super().compile_args(learning_rate),
            "loss": keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=_TOO_LONG
            ),
        }

    def _ids(self, sequence: str) -> np.ndarray:
        """The ids of a whole sequence: uint8 of shape `(length,)`."""
        table = np.zeros(256, "uint8")
        letters = np.frombuffer(LETTERS.encode(), "uint8")
        table[letters] = _FIRST_LETTER[self.variant] + np.arange(len(letters))
        ids = table[np.frombuffer(sequence.encode(), "uint8")]
        if self.variant == "paper":
            return ids
        return np.concatenate([[_START], ids, [_END]]).astype("uint8")
