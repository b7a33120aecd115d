"""Checkpoints of what was trained: 3 MB instead of 500.

A file holds the trained variables by path, as float32, and a header that says
which frozen trunk they were trained on. It is safetensors: no pickle, read by
any backend.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
from collections.abc import Collection
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_fpt.backend import copy_of
from keras_fpt.files import write_whole

_FORMAT = "keras_fpt trained variables 1"

Path = str | os.PathLike[str]


def save_trained(
    path: Path,
    trained: Iterable[Any],
    frozen: Iterable[Any],
    header: dict[str, Any],
) -> None:
    """Writes the trained variables, whole or not at all.

    Args:
        path: string or path. The file to write.
        trained: the variables to write.
        frozen: the variables that they were trained on; only hashed.
        header: dict that JSON can hold. What rebuilds the model.
    """
    import safetensors.numpy

    tensors = {v.path: _values(v) for v in trained}
    metadata = {
        "format": _FORMAT,
        "model": json.dumps(header, sort_keys=True),
        "frozen_sha256": frozen_hash(frozen),
    }
    target = pathlib.Path(path)
    if not target.parent.is_dir():
        raise ValueError(
            f"Cannot write {str(target)!r}: there is no folder "
            f"{str(target.parent)!r}"
        )
    content = safetensors.numpy.save(tensors, metadata)
    write_whole(target, lambda temporary: temporary.write_bytes(content))


def load_trained(
    path: Path,
    trained: Collection[Any],
    frozen: Iterable[Any],
    header: dict[str, Any],
) -> None:
    """Reads trained variables back; a file that does not fit changes nothing.

    Args:
        path: string or path. A file that `save_trained` wrote.
        trained: the variables to read.
        frozen: the variables whose hash the file must name.
        header: dict. What `save_trained` would write for this model.
    """
    metadata, tensors = _read(path)
    theirs = json.loads(metadata["model"])
    _check_readout(path, theirs, header)
    _check_fit(path, tensors, {v.path: tuple(v.shape) for v in trained})
    if metadata["frozen_sha256"] != frozen_hash(frozen):
        raise ValueError(
            f"{str(path)!r} was trained on other frozen weights: "
            f"{describe_trunk(theirs)}. "
            f"This model has {describe_trunk(header)}: build it around that "
            "trunk"
        )
    for variable in trained:
        variable.assign(tensors[variable.path])


def read_header(path: Path) -> dict[str, Any]:
    """The header that `save_trained` was given."""
    return json.loads(_read(path, with_tensors=False)[0]["model"])


def describe_trunk(header: dict[str, Any]) -> str:
    """One line about the trunk that a header names."""
    kind, trunk = header["trunk"]["class_name"], header["trunk"]["config"]
    what = trunk.get("preset") or f"a {kind} from no preset"
    # Files of version 0.1 say "sizes".
    config = trunk.get("config", trunk.get("sizes", trunk))
    chosen = trunk.get("options", {}).get("num_layers")
    if isinstance(chosen, list | tuple):
        what = f"blocks {list(chosen)} of {what}"
    elif "num_layers" in config:
        what = f"{config['num_layers']} blocks of {what}"
    initialization = header.get("initialization", "pretrained")
    if isinstance(initialization, dict):
        pairs = (f"{group} {name}" for group, name in initialization.items())
        initialization = " and ".join(pairs)
    if initialization != "pretrained":
        what = f"{what}, {initialization} with seed {header['seed']}"
    return what


def frozen_hash(variables: Iterable[Any]) -> str:
    """SHA-256 over paths, shapes and values, in the order of the paths."""
    digest = hashlib.sha256()
    for variable in sorted(variables, key=lambda v: v.path):
        shape = tuple(variable.shape)
        digest.update(f"{variable.path} {shape}\n".encode())
        digest.update(_values(variable).data)
    return digest.hexdigest()


def _values(variable: Any) -> np.ndarray:
    return np.ascontiguousarray(copy_of(variable), dtype="float32")


def _read(
    path: Path, with_tensors: bool = True
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    import safetensors

    if not pathlib.Path(path).is_file():
        raise ValueError(f"There is no checkpoint {str(path)!r}")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            names = file.keys() if with_tensors else ()
            tensors = {name: file.get_tensor(name) for name in names}
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{str(path)!r} is not a whole safetensors file ({error}): "
            "expected one that `save_trained` wrote"
        ) from None
    if metadata.get("format") != _FORMAT:
        raise ValueError(
            f"{str(path)!r} holds no trained variables of keras_fpt: expected "
            f"format {_FORMAT!r}, received {metadata.get('format')!r}"
        )
    return metadata, tensors


def _check_readout(
    path: Path, theirs: dict[str, Any], ours: dict[str, Any]
) -> None:
    """Refuses another readout, whose head may have the same shape."""
    readouts = [
        header.get("interface", header).get("readout")
        for header in (theirs, ours)
    ]
    if None not in readouts and readouts[0] != readouts[1]:
        raise ValueError(
            f"{str(path)!r} was trained with readout={readouts[0]!r}. This "
            f"model has readout={readouts[1]!r}: build it with that of the "
            "file"
        )


def _check_fit(
    path: Path,
    tensors: dict[str, np.ndarray],
    shapes: dict[str, tuple[int, ...]],
) -> None:
    missing = sorted(set(shapes) - set(tensors))
    extra = sorted(set(tensors) - set(shapes))
    misshapen = [
        f"{name} is {tensors[name].shape}, expected {shapes[name]}"
        for name in sorted(set(shapes) & set(tensors))
        if tensors[name].shape != shapes[name]
    ]
    problems = {"missing": missing, "extra": extra, "misshapen": misshapen}
    found = [f"{k}: {', '.join(v)}" for k, v in problems.items() if v]
    if found:
        raise ValueError(
            f"{str(path)!r} does not fit this model; {'; '.join(found)}. "
            "Build the model with the inputs, outputs, finetune groups and "
            "`normalize` of the file"
        )
