"""Checkpoints of what was trained: 3 MB instead of 500.

A file holds the trained variables by path, as float32, a header that says
which model and frozen trunk they are of, and hashes of all. It is safetensors:
no pickle, read by any backend.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import warnings
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fpt.backend import copy_of
from keras_fpt.checkpoint_checks import check_finite
from keras_fpt.checkpoint_checks import check_fit
from keras_fpt.checkpoint_checks import check_readout
from keras_fpt.checkpoint_checks import check_same_model
from keras_fpt.checkpoint_checks import trunk_config
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

    Raises:
        ValueError: if there is no such folder, or a value is not finite.
    """
    import safetensors.numpy

    tensors = {v.path: _values(v) for v in trained}
    check_finite(path, tensors, "they diverged in training")
    metadata = {
        "format": _FORMAT,
        "model": json.dumps(header, sort_keys=True),
        "frozen_sha256": frozen_hash(frozen),
    }
    metadata["sha256"] = _file_hash(metadata, tensors)
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
    metadata, theirs, tensors = _read(path)
    check_readout(path, theirs, header)
    check_fit(path, tensors, {v.path: tuple(v.shape) for v in trained})
    if metadata["frozen_sha256"] != frozen_hash(frozen):
        raise ValueError(
            f"{str(path)!r} was trained on other frozen weights: "
            f"{describe_trunk(theirs)}. "
            f"This model has {describe_trunk(header)}: build it around that "
            "trunk"
        )
    check_same_model(path, theirs, header)
    for variable in trained:
        variable.assign(tensors[variable.path])


def read_header(path: Path) -> dict[str, Any]:
    """The header that `save_trained` was given.

    Raises:
        ValueError: if the file is damaged or has none.
    """
    return _read(path)[1]


def preset_arguments(
    path: Path, known: Collection[str]
) -> tuple[str | None, Any, dict[str, Any]]:
    """What builds the model of a file: preset, dtype and other arguments.

    Args:
        path: string or path. A file that `save_trained` wrote.
        known: collection of strings. The arguments that the model takes.

    Raises:
        ValueError: if the file is of another class of models, or of a version
            with other arguments.
    """
    header = read_header(path)
    trunk = header["trunk"]["config"]
    if not isinstance(trunk.get("options"), dict) or "dtype" not in trunk:
        raise ValueError(
            f"{str(path)!r} was trained by another class of models, around a "
            f"{header['trunk']['class_name']}: build that model and call "
            "`load_trained`"
        )
    arguments = {**header, **trunk["options"]}
    del arguments["trunk"]
    arguments.pop("trainable", None)
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        raise ValueError(
            f"{str(path)!r} asks for {', '.join(unknown)}, which this version "
            "of keras_fpt does not have: install the version that wrote it"
        )
    return trunk.get("preset"), trunk["dtype"], arguments


def describe_trunk(header: dict[str, Any]) -> str:
    """One line about the trunk that a header names."""
    kind, trunk = header["trunk"]["class_name"], header["trunk"]["config"]
    what = trunk.get("preset") or f"a {kind} from no preset"
    config = trunk_config(header)
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


def _file_hash(
    metadata: Mapping[str, str], tensors: Mapping[str, np.ndarray]
) -> str:
    """SHA-256 over all that a file holds."""
    digest = hashlib.sha256()
    for name in ("model", "frozen_sha256"):
        digest.update(f"{metadata[name]}\n".encode())
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode())
        digest.update(tensor.data)
    return digest.hexdigest()


def _read(
    path: Path,
) -> tuple[dict[str, str], dict[str, Any], dict[str, np.ndarray]]:
    """Metadata, header and tensors of a file that is whole and ours."""
    import safetensors

    if not pathlib.Path(path).is_file():
        raise ValueError(f"There is no checkpoint {str(path)!r}")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            ours = metadata.get("format") == _FORMAT
            names = file.keys() if ours else ()
            tensors = {name: file.get_tensor(name) for name in names}
    # NumPy lacks some of safetensors' types: a TypeError or an AttributeError.
    except (safetensors.SafetensorError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{str(path)!r} is not a whole safetensors file ({error}): "
            "expected one that `save_trained` wrote"
        ) from None
    if not ours:
        raise ValueError(
            f"{str(path)!r} holds no trained variables of keras_fpt: expected "
            f"format {_FORMAT!r}, received {metadata.get('format')!r}"
        )
    header = _header(path, metadata)
    for name, tensor in tensors.items():
        if tensor.dtype != "float32":
            raise ValueError(
                f"{str(path)!r} is damaged, or not as `save_trained` wrote it: "
                f"expected {name} in float32. Received: {tensor.dtype}"
            )
    if "sha256" not in metadata:
        warnings.warn(
            f"{str(path)!r} is of an earlier version and holds no hash of its "
            "values: damage to them would not be seen. Load it and call "
            "`save_trained` to write one",
            stacklevel=4,
        )
    elif metadata["sha256"] != _file_hash(metadata, tensors):
        raise ValueError(
            f"{str(path)!r} is damaged: its content has another SHA-256 than "
            "when `save_trained` wrote it. Copy it again, or take another file"
        )
    check_finite(path, tensors, "the model diverged, or the file is damaged")
    return metadata, header, tensors


def _header(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The header, with what every model's has."""
    lacking = [n for n in ("model", "frozen_sha256") if n not in metadata]
    try:
        header = json.loads(metadata.get("model", "{}"))
    except ValueError as error:
        lacking, header = [f"a model that is JSON ({error})"], {}
    trunk = header.get("trunk") if isinstance(header, dict) else None
    if not lacking and not (
        isinstance(trunk, dict)
        and isinstance(trunk.get("class_name"), str)
        and isinstance(trunk.get("config"), dict)
    ):
        lacking = ["a model with its trunk"]
    if lacking:
        raise ValueError(
            f"The header of {str(path)!r} is damaged or of another program: "
            f"it lacks {' and '.join(lacking)}. Expected a file that "
            "`save_trained` wrote"
        )
    return header
