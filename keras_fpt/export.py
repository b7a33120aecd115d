"""Export to other runtimes: Keras' own, where what it writes computes."""

from __future__ import annotations

import pathlib
from typing import Any

import keras

from keras_fpt.checkpoints import Path

_ELSEWHERE = (
    "save the model with `model.save`, load it in a process with "
    "KERAS_BACKEND={backend}, and export it there"
)


def export(
    model: Any,
    filepath: Path,
    format: str,
    verbose: bool | None,
    input_signature: Any,
    **kwargs: Any,
) -> None:
    """Writes a model; as of `FrozenModel.export`."""
    backend = keras.backend.backend()
    _refuse_what_fails(backend, format)
    whole = input_signature is None
    signature = model.interface.signature() if whole else input_signature
    if backend == "torch" and whole and format in ("onnx", "torch"):
        shapes = _any_batch(signature)
        if format == "onnx":
            _write_onnx(model, filepath, signature, shapes, **kwargs)
            return
        kwargs = {"dynamic_shapes": shapes, **kwargs}
    keras.Model.export(
        model, filepath, format, verbose, input_signature=signature, **kwargs
    )
    if backend == "tensorflow" and format == "onnx":
        _check_onnx(filepath)


def _refuse_what_fails(backend: str, format: str) -> None:
    if backend == "jax" and format == "onnx":
        # jax2onnx 0.17 stops at attention masks, and of ViT writes a file
        # that ONNX Runtime refuses.
        raise ValueError(
            "On JAX, Keras does not write ONNX files of transformers that "
            "compute. Expected format='tf_saved_model', or "
            + _ELSEWHERE.format(backend="torch")
        )
    if backend == "torch" and format == "tf_saved_model":
        raise ValueError(
            "On PyTorch, Keras does not write a SavedModel of batches of any "
            "size. Expected format='onnx' or 'torch', or "
            + _ELSEWHERE.format(backend="tensorflow")
        )


def _any_batch(signature: Any) -> tuple[Any, ...]:
    """The dynamic shapes of `torch.export`: the first axis of each input."""
    import torch

    batch = torch.export.Dim("batch", min=1)
    return tuple(keras.tree.map_structure(lambda spec: {0: batch}, signature))


def _write_onnx(
    model: Any,
    filepath: Path,
    signature: Any,
    shapes: tuple[Any, ...],
    opset_version: int | None = None,
) -> None:
    """Writes ONNX on PyTorch, for batches of any size.

    Keras takes another exporter as soon as a size may vary, which fails at
    layer norms.
    """
    import torch

    def example(spec: Any) -> Any:
        # A batch of one would be taken for a constant.
        shape = (2, *spec.shape[1:])
        return torch.ones(shape, dtype=getattr(torch, spec.dtype), device="cpu")

    model.eval()
    exported = torch.export.export(
        model,
        tuple(keras.tree.map_structure(example, signature)),
        # The model's `forward` takes its inputs as one tuple.
        dynamic_shapes=(shapes,),
    )
    program: Any = torch.onnx.export(
        exported,
        input_names=[spec.name for spec in keras.tree.flatten(signature)],
        opset_version=opset_version,
        verbose=False,
    )
    program.optimize()
    program.save(str(filepath))


def _check_onnx(filepath: Path) -> None:
    """Refuses a file with operators that ONNX does not have.

    tf2onnx writes one, with a line in the log: of the exact GELU (ViT, BERT)
    and of the LSTMs' loop.
    """
    import onnx

    try:
        onnx.checker.check_model(str(filepath), full_check=True)
    except Exception as error:
        pathlib.Path(filepath).unlink()
        raise ValueError(
            "On TensorFlow, tf2onnx cannot convert this model: "
            + _ELSEWHERE.format(backend="torch")
        ) from error
