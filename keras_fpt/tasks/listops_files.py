"""Long Range Arena's ListOps files: rows of text to token ids, checked."""

from __future__ import annotations

import pathlib

import numpy as np

from keras_fpt.cache import Path
from keras_fpt.tasks.listops_trees import END
from keras_fpt.tasks.listops_trees import SYMBOLS
from keras_fpt.tasks.listops_trees import ZERO
from keras_fpt.tasks.listops_trees import evaluate

FILES = {
    "train": "basic_train.tsv",
    "validation": "basic_val.tsv",
    "test": "basic_test.tsv",
}
_SOURCE = "https://storage.googleapis.com/long-range-arena/lra_release.gz"
_HEADER = b"Source\tTarget\n"
# Lines are read in blocks of about this size: 16 MiB.
_BLOCK = 2**24

# A byte for each operator that is not one of the file's own.
_OPERATORS = {
    b"[" + name.encode(): bytes([200 + place])
    for place, name in enumerate(SYMBOLS)
    if 0 < place < ZERO
}
_WORDS = {*_OPERATORS, *b"0 1 2 3 4 5 6 7 8 9 ] ( )".split()}
# What a byte becomes: ids of symbols, and above them what is no symbol.
_PARENTHESIS, _SPACE, _TAB, _NEWLINE, _UNKNOWN = range(END + 1, END + 6)
_CODES = {
    **{code: SYMBOLS.index(w[1:].decode()) for w, code in _OPERATORS.items()},
    **{
        name.encode(): place
        for place, name in enumerate(SYMBOLS)
        if place >= ZERO
    },
    b"(": _PARENTHESIS,
    b")": _PARENTHESIS,
    b" ": _SPACE,
    b"\t": _TAB,
    b"\n": _NEWLINE,
}
_TABLE = bytes(_CODES.get(bytes([byte]), _UNKNOWN) for byte in range(256))


def read(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Reads and checks a split of Long Range Arena's release.

    Args:
        folder: string or path. The release's `listops-1000`.
        split: string. `"train"`, `"validation"` or `"test"`.

    Returns:
        Dict of `"tokens"`, uint8, all expressions one after another with
        their closing brackets, and `"lengths"` and `"values"`, int32 of shape
        `(num_expressions,)`.

    Raises:
        FileNotFoundError: if the file is not there.
        ValueError: if a row is not an expression and its value. The message
            names file and line.
    """
    path = pathlib.Path(folder).expanduser() / FILES[split]
    if not path.is_file():
        raise FileNotFoundError(
            f"Found no file {str(path)!r}. `data_dir` is the folder "
            f"lra_release/listops-1000 of {_SOURCE}, unpacked, with "
            f"{', '.join(FILES.values())}; leave `data_dir` out to generate "
            "the data instead"
        )
    blocks = []
    with path.open("rb") as file:
        header = file.readline()
        if header.replace(b"\r\n", b"\n") != _HEADER:
            raise ValueError(
                f"{path.name}, line 1: expected the columns Source and Target, "
                f"with a tab between them. Received: {header[:60]!r}"
            )
        first = 2
        while lines := file.readlines(_BLOCK):
            blocks.append(_read_block(lines, f"{path.name}, line", first))
            first += len(lines)
    if not blocks:
        raise ValueError(f"{path.name}, line 2: expected rows. Received none")
    tokens, lengths, values = map(np.concatenate, zip(*blocks, strict=True))
    return {"tokens": tokens, "lengths": lengths, "values": values}


def _read_block(
    lines: list[bytes], place: str, first: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads lines at once; if one is wrong, says which."""
    try:
        return _parse(b"".join(lines))
    except ValueError:
        for number, line in enumerate(lines, first):
            try:
                _parse(line)
            except ValueError as error:
                raise ValueError(
                    f"{place} {number}: {error}. Fetch the file again"
                ) from None
        raise


def _parse(text: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads whole rows. What an error says is meant for a single one."""
    row = text = text.replace(b"\r\n", b"\n").removesuffix(b"\n") + b"\n"
    if not text.isascii():
        raise ValueError(f"expected plain text. Received: {row[:60]!r}")
    for word, code in _OPERATORS.items():
        text = text.replace(word, code)
    codes = np.frombuffer(text.translate(_TABLE), "uint8")
    is_break = (codes == _TAB) | (codes == _NEWLINE)
    breaks = codes[is_break]
    if (breaks[::2] != _TAB).any() or (breaks[1::2] != _NEWLINE).any():
        raise ValueError(
            "expected two columns, Source and Target. Received "
            f"{row.count(bytes([9])) + 1}"
        )
    # A word is one byte by now: two side by side are none that is known.
    is_word = codes < _SPACE
    if (codes == _UNKNOWN).any() or (is_word[1:] & is_word[:-1]).any():
        for word in row.split(b"\t")[0].split(b" "):
            if word and word not in _WORDS:
                raise ValueError(f"unknown symbol {word.decode()!r}")
        raise ValueError(_wrong_target(row))
    codes = codes[(codes != _SPACE) & (codes != _PARENTHESIS)]
    breaks = np.flatnonzero(codes >= _TAB).reshape(-1, 2)
    tabs, newlines = breaks.T
    targets = codes[tabs + 1]
    if ((newlines - tabs != 2) | (targets < ZERO) | (targets >= END)).any():
        raise ValueError(_wrong_target(row))
    lengths = np.diff(newlines, prepend=-1) - 3
    is_source = codes < END + 1
    is_source[tabs + 1] = False
    tokens = codes[is_source]
    _check_brackets(tokens, lengths)
    values = evaluate(tokens)
    targets = targets.astype("int32") - ZERO
    if (values != targets).any():
        raise ValueError(
            f"the value of Source is {values[0]}. Received: Target {targets[0]}"
        )
    return tokens, lengths.astype("int32"), values


def _wrong_target(row: bytes) -> str:
    target = row.split(b"\t")[1].removesuffix(b"\n").decode()
    return f"expected a Target from 0 to 9. Received: {target!r}"


def _check_brackets(tokens: np.ndarray, lengths: np.ndarray) -> None:
    """Refuses rows that are not one whole expression each."""
    if (lengths < 1).any():
        raise ValueError("expected an expression. Received an empty Source")
    is_operator = tokens < ZERO
    steps = is_operator.view("int8") - (tokens == END).view("int8")
    depth = np.cumsum(steps, dtype="int32")  # after each token
    is_last = np.zeros(len(tokens), bool)
    is_last[np.cumsum(lengths) - 1] = True
    # Closed at the last token of a row, and nowhere before.
    if ((depth <= 0) != is_last).any() or (depth < 0).any():
        raise ValueError("the brackets of Source do not balance")
    if (is_operator[:-1] & (tokens[1:] == END)).any():
        raise ValueError("an operator of Source has no arguments")
