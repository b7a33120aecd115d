"""Checks that the content of a checkpoint fits a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

# What of a model's header its trained values belong to. A model with another
# dropout, dtype or name computes the same with them.
_INTERFACE = ("inputs", "outputs", "readout", "padding_mask")
_TRUNK_NAMES = ("name", "dtype", "trainable", "finetune", "preset")
# A trunk's config has these only where keras-nlp's class would not know.
_OVERRIDES = ("activation", "layer_norm_epsilon")


def check_readout(
    path: Any, theirs: dict[str, Any], ours: dict[str, Any]
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


def check_fit(
    path: Any,
    tensors: dict[str, np.ndarray],
    shapes: dict[str, tuple[int, ...]],
) -> None:
    """Refuses other names or shapes than the model's."""
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


def check_finite(
    path: Any, tensors: Mapping[str, np.ndarray], why: str
) -> None:
    """Refuses NaN and infinity, which a trained model cannot compute with."""
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ValueError(
                f"{str(path)!r}: expected finite values. Received NaN or "
                f"infinity in {name}: {why}"
            )


def check_same_model(
    path: Any, theirs: dict[str, Any], ours: dict[str, Any]
) -> None:
    """Refuses a model that would compute otherwise on the same values."""
    ours = json.loads(json.dumps(ours))  # lists for tuples, as in a file
    pairs = [header.get("interface", header) for header in (theirs, ours)]
    differ = {
        name: [pair.get(name) for pair in pairs]
        for name in _INTERFACE
        if all(name in pair for pair in pairs)
        and pairs[0][name] != pairs[1][name]
    }
    kinds = [header["trunk"]["class_name"] for header in (theirs, ours)]
    if kinds[0] != kinds[1]:
        differ["the trunk's class"] = kinds
    trunks = [trunk_config(header) for header in (theirs, ours)]
    for name in sorted(set(trunks[0]) | set(trunks[1])):
        # A newer keras-nlp may have an argument more.
        in_both = name in trunks[0] and name in trunks[1]
        skipped = "dropout" in name or name in _TRUNK_NAMES
        values = [trunk.get(name) for trunk in trunks]
        if (in_both or name in _OVERRIDES) and not skipped:
            if values[0] != values[1]:
                differ[f"the trunk's {name}"] = values
    if differ:
        words = (
            f"{name} is {file!r} in the file and {model!r} in this model"
            for name, (file, model) in differ.items()
        )
        raise ValueError(
            f"{str(path)!r} was trained in another model: {'; '.join(words)}. "
            "Build the model as the file says"
        )


def trunk_config(header: dict[str, Any]) -> dict[str, Any]:
    """The sizes of the trunk that a header names."""
    config = header["trunk"]["config"]
    # Files of version 0.1 say "sizes".
    return config.get("config", config.get("sizes", config))
