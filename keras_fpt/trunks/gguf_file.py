"""Reads the keys and tensors of a GGUF file."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

_MAGIC = b"GGUF"
# Of a tokenizer, which no trunk has: the longest part of most files.
_TOKENIZER = "tokenizer."
# What the package gguf says of a file that is cut or damaged.
_DAMAGE = (IndexError, KeyError, OSError, OverflowError, ValueError)
_REQUIRED = object()


class GGUFFile:
    """The keys of a GGUF file, and its tensors, read when they are asked for.

    Args:
        path: string or path. The file.

    Attributes:
        path: path.
        architecture: string. `general.architecture`, "llama" for instance.
        keys: dict. All keys except the tokenizer's.
        tensors: dict from names to `gguf.ReaderTensor`.

    Raises:
        ImportError: if the package gguf is not there.
        ValueError: if the file is not GGUF, cut, damaged or one of several
            parts of a model.
    """

    def __init__(self, path: str | pathlib.Path) -> None:
        self.path = pathlib.Path(path)
        with self.path.open("rb") as file:
            magic = file.read(len(_MAGIC))
        if magic != _MAGIC:
            raise ValueError(
                f"{str(path)!r} is not a GGUF file: expected it to begin with "
                f"{_MAGIC!r}. Received: {magic!r}"
            )
        try:
            import gguf
        except ImportError as error:
            raise ImportError(
                f"{str(path)!r} is read by the package gguf, which cannot be "
                f"imported ({error}): run `pip install 'keras-fpt[gguf]'`"
            ) from error
        try:
            reader = gguf.GGUFReader(self.path)
            self.keys = {
                name: field.contents()
                for name, field in reader.fields.items()
                if not name.startswith(_TOKENIZER)
            }
        except _DAMAGE as error:
            raise ValueError(
                f"{str(path)!r} is a GGUF file that is cut or damaged: fetch "
                f"it again ({error})"
            ) from error
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}
        parts = self.keys.get("split.count", 1)
        if parts > 1:
            raise ValueError(
                f"{str(path)!r} is one of {parts} parts of a model: expected "
                "a whole one. Merge them with llama.cpp's `llama-gguf-split "
                "--merge`"
            )
        self.architecture = self.key("general.architecture")

    def key(self, name: str, default: Any = _REQUIRED) -> Any:
        """The value of a key.

        Args:
            name: string. Its full name.
            default: what a file without the key means. By default, the key
                must be there.

        Raises:
            ValueError: if it is missing.
        """
        if name in self.keys:
            return self.keys[name]
        if default is _REQUIRED:
            raise ValueError(
                f"{str(self.path)!r} lacks the key {name!r}: expected a GGUF "
                "file as llama.cpp's convert_hf_to_gguf.py writes it"
            )
        return default

    def tensor(self, name: str) -> np.ndarray:
        """A tensor in float32, its dimensions in NumPy's order.

        Raises:
            ValueError: if gguf does not dequantize its type.
        """
        import gguf

        tensor = self.tensors[name]
        try:
            return gguf.dequantize(tensor.data, tensor.tensor_type)
        except NotImplementedError as error:
            raise ValueError(
                f"{str(self.path)!r} stores {name!r} as "
                f"{tensor.tensor_type.name}, which the package gguf does not "
                "read: choose another quantization of this model"
            ) from error
