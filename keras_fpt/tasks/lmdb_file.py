"""Reads LMDB files, with plain reads.

The package lmdb maps a file into memory and trusts what it finds there: a
damaged page kills the process by a signal, which no `except` sees. Here, every
offset is checked before it is followed.
"""

from __future__ import annotations

import pathlib
import struct
from typing import IO

# lmdb's mdb.c, of data version 1, as processes of 64 bits write it.
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_BRANCH, _LEAF, _OVERFLOW, _META = 1, 2, 4, 8
_BIG_DATA = 1
_EMPTY = 2**64 - 1  # as number of the root page
_HEADER = struct.Struct("<QHHHH")  # number, padding, flags, lower, upper
# Magic, version, address, size; of each of two databases padding, flags,
# depth, branch, leaf and overflow pages, entries and root; last page,
# transaction.
_META_PAGE = struct.Struct("<IIQQ" + 2 * "IHHQQQQQ" + "QQ")
_NODE = struct.Struct("<HHHH")  # low, high, flags, length of the key
_PAGE_SIZES = [2**n for n in range(8, 17)]


class LMDBFile:
    """The values of an LMDB file by their keys.

    Nothing is written, neither to it nor beside it.

    Args:
        path: path. A folder with `data.mdb`, or such a file.

    Raises:
        ValueError: if it is no LMDB file, cut or damaged.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path / "data.mdb" if path.is_dir() else path
        self._file: IO[bytes] = self.path.open("rb")
        try:
            self._size = self._file.seek(0, 2)
            self._open()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> LMDBFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or `None`.

        Raises:
            ValueError: if the pages that hold it are damaged.
        """
        if key not in self._places:
            return None
        start, size = self._places[key]
        return self._read(start, size)

    def _open(self) -> None:
        first = self._meta(0)
        self._page_size = first[4]
        if self._page_size not in _PAGE_SIZES:
            raise self._damage(f"its pages have {self._page_size} bytes")
        second = self._meta(self._page_size)
        # Each transaction writes the older of the two.
        newest = max(first, second, key=lambda meta: meta[-1])
        root, last_page = newest[-3], newest[-2]
        expected = (last_page + 1) * self._page_size
        if self._size < expected:
            raise self._damage(f"expected {expected:,} bytes")
        # Key -> where its value begins, and its size.
        self._places: dict[bytes, tuple[int, int]] = {}
        seen: set[int] = set()
        todo = [] if root == _EMPTY else [root]
        while todo:
            number = todo.pop()
            if number in seen:
                raise self._damage(f"page {number} is met twice")
            seen.add(number)
            todo += reversed(self._read_page(number))

    def _meta(self, start: int) -> tuple[int, ...]:
        page = self._read(start, _HEADER.size + _META_PAGE.size)
        flags = _HEADER.unpack_from(page)[2]
        meta = _META_PAGE.unpack_from(page, _HEADER.size)
        if not flags & _META or meta[:2] != (_MAGIC, _VERSION):
            raise self._damage("it does not begin as an LMDB file does")
        return meta

    def _read_page(self, number: int) -> list[int]:
        """Notes the keys of a leaf; returns the children of a branch."""
        start = number * self._page_size
        page = self._read(start, self._page_size)
        own, _, flags, lower, _ = _HEADER.unpack_from(page)
        kind = flags & (_BRANCH | _LEAF | _OVERFLOW | _META)
        if own != number or kind not in (_BRANCH, _LEAF):
            raise self._damage(f"page {number} is none of the tree")
        if not _HEADER.size <= lower <= self._page_size or lower % 2:
            raise self._damage(f"page {number} does not say its length")
        children = []
        for place in range(_HEADER.size, lower, 2):
            (offset,) = struct.unpack_from("<H", page, place)
            if not lower <= offset <= self._page_size - _NODE.size:
                raise self._damage(f"page {number} points out of itself")
            low, high, node_flags, key_size = _NODE.unpack_from(page, offset)
            if kind == _BRANCH:
                children.append(low | high << 16 | node_flags << 32)
                continue
            key_start = offset + _NODE.size
            data_start = key_start + key_size
            size = low | high << 16
            in_page = 8 if node_flags & _BIG_DATA else size
            if node_flags & ~_BIG_DATA:
                raise self._damage(f"page {number} holds a key of many values")
            if data_start + in_page > self._page_size:
                raise self._damage(f"page {number} points out of itself")
            key = page[key_start:data_start]
            where = start + data_start
            if node_flags & _BIG_DATA:
                (big,) = struct.unpack_from("<Q", page, data_start)
                where = self._big(big)
            self._places[key] = where, size
        return children

    def _big(self, number: int) -> int:
        """Where the value begins that fills pages of its own."""
        start = number * self._page_size
        own, _, flags, *_ = _HEADER.unpack(self._read(start, _HEADER.size))
        if own != number or not flags & _OVERFLOW:
            raise self._damage(f"page {number} holds no value")
        return start + _HEADER.size

    def _read(self, start: int, size: int) -> bytes:
        if start + size > self._size:
            raise self._damage(f"expected {start + size:,} bytes")
        self._file.seek(start)
        content = self._file.read(size)
        if len(content) != size:  # cut since it was opened
            raise self._damage(f"expected {start + size:,} bytes")
        return content

    def _damage(self, what: str) -> ValueError:
        return ValueError(
            f"{self.path} is cut or damaged: fetch it again ({what}. Received "
            f"a file of {self._size:,} bytes)"
        )
