"""Rows of remote homology: read from JSON and CSV, and checked."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from typing import Any
from typing import TextIO

# The amino acids of TAPE's IUPAC vocabulary, in its order: there is no J.
LETTERS = "ABCDEFGHIKLMNOPQRSTUVWXYZ"
NUM_FOLDS = 1195
# Characters of JSON that are read at once: some records.
_BLOCK = 2**20
_SPACE = re.compile(r"[ \t\r\n]*")

# Where a row stands, its sequence and its label.
Row = tuple[str, Any, Any]


def json_rows(text: TextIO, name: str) -> Iterator[Row]:
    """Reads TAPE's JSON: a list of objects.

    One object at a time, for each holds an evolutionary profile: all at once
    would take gigabytes.

    Args:
        text: text file.
        name: string. What errors call it.

    Returns:
        Iterator of unchecked rows.

    Raises:
        ValueError: if the text is cut or no such list.
    """
    decode = json.JSONDecoder().raw_decode
    buffer, number, opening, size = "", 0, "[", _BLOCK
    reason = "it is empty"
    while block := text.read(size):
        buffer += block
        end = 0  # of what is understood
        try:
            while True:
                start = _after_space(buffer, end)
                if number and buffer[start] == "]":
                    # To the end, or a wrong checksum would pass unseen.
                    if (buffer[start + 1 :] + text.read()).strip():
                        raise ValueError(f"{name}: text follows the list")
                    return
                if buffer[start] != opening:
                    raise ValueError(
                        f"{name}, before record {number} (from 0): expected "
                        f"{opening!r}, a list of records. Received: "
                        f"{buffer[start : start + 20]!r}"
                    )
                start = _after_space(buffer, start + 1)
                record, end = decode(buffer, start)
                yield row_of(f"{name}, record {number} (from 0)", record)
                number, opening = number + 1, ","
        except IndexError:
            reason = "the list does not end"
        except json.JSONDecodeError as error:
            reason = error.msg
        except RecursionError:
            reason = "nested too deep"
        # The record may go on in the next block; a long one takes few tries.
        buffer = buffer[end:]
        size = _BLOCK + len(buffer)
    raise ValueError(
        f"{name}, record {number} (from 0) is cut or no JSON ({reason}): "
        "fetch it again"
    )


def _after_space(buffer: str, start: int) -> int:
    found = _SPACE.match(buffer, start)
    assert found is not None
    return found.end()


def row_of(place: str, record: Any) -> Row:
    """Takes sequence and label out of a record of TAPE's."""
    missing = [
        field
        for field in ("primary", "fold_label")
        if not isinstance(record, dict) or field not in record
    ]
    if missing:
        received = list(record) if isinstance(record, dict) else record
        raise ValueError(
            f"{place}: expected an object with {' and '.join(missing)}. "
            f"Received: {_short(received)}"
        )
    return place, record["primary"], record["fold_label"]


def csv_rows(text: TextIO, name: str) -> Iterator[Row]:
    """Reads CSV with the columns seq and label, and perhaps others.

    Args:
        text: text file, opened with `newline=""`.
        name: string. What errors call it.

    Returns:
        Iterator of unchecked rows.

    Raises:
        ValueError: if the text is not CSV or lacks a column.
    """
    reader = csv.reader(text, strict=True)
    columns: list[str] = []
    try:
        for fields in reader:
            place = f"{name}, line {reader.line_num}"
            if not columns:
                columns = fields
                if not {"seq", "label"} <= set(columns):
                    raise ValueError(
                        f"{place}: expected the columns seq and label. "
                        f"Received: {_short(','.join(fields))}"
                    )
            elif fields:  # not a blank line
                if len(fields) != len(columns):
                    raise ValueError(
                        f"{place}: expected {len(columns)} columns. Received "
                        f"{len(fields)}: {_short(','.join(fields))}"
                    )
                row = dict(zip(columns, fields, strict=True))
                label = row["label"]
                whole = re.fullmatch("[0-9]{1,9}", label)
                yield place, row["seq"], int(label) if whole else label
    except csv.Error as error:
        raise ValueError(
            f"{name}, line {reader.line_num}: no CSV ({error})"
        ) from error
    if not columns:
        raise ValueError(f"{name} is empty: fetch it again")


def check_row(place: str, sequence: Any, label: Any) -> None:
    """Refuses what is no sequence of amino acids with a fold.

    Args:
        place: string. Where the row stands: file, and line or record.
        sequence: string of `LETTERS`.
        label: int from 0 to `NUM_FOLDS - 1`.

    Raises:
        ValueError: if the row is malformed.
    """
    if not isinstance(sequence, str) or not sequence:
        raise ValueError(
            f"{place}: expected a sequence of amino acids. Received: "
            f"{_short(sequence)}"
        )
    unknown = set(sequence).difference(LETTERS)
    if unknown:
        position = min(map(sequence.index, unknown))
        raise ValueError(
            f"{place}: unknown amino acid {sequence[position]!r} at position "
            f"{position + 1} of the sequence; expected capitals out of "
            f"{LETTERS}"
        )
    if type(label) is not int or not 0 <= label < NUM_FOLDS:
        raise ValueError(
            f"{place}: a fold is a whole number from 0 to {NUM_FOLDS - 1}. "
            f"Received: {_short(label)}"
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
