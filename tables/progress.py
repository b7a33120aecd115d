"""Where a run stands: enough of it, in a file, to go on from there."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import keras
import numpy as np


class Progress:
    """State of a run between two of its looks at the validation set.

    Args:
        model: a compiled `keras.Model`, built as every time.
        file: path. Where the state is kept while the run goes on.
        key: string. Of the experiment.

    Attributes:
        state: dict that JSON can hold. What the run notes: step, history.
        best: list of arrays or `None`. Trained values of the best look.
    """

    def __init__(self, model: Any, file: pathlib.Path, key: str) -> None:
        model.optimizer.build(model.trainable_variables)
        self.model = model
        self.file = file
        self.state: dict[str, Any] = {
            "key": key,
            "backend": keras.backend.backend(),
            "step": 0,
            "history": [],
            "seconds": 0.0,
            "training_seconds": 0.0,
            "interruptions": 0,
        }
        self.best: list[np.ndarray] | None = None
        self._random = _torch_random()
        # Where dropout and the like stand: JAX and TensorFlow keep it here.
        seeds = [
            v for v in model.variables if v.path.endswith("_generator_state")
        ]
        self._variables = [
            *model.trainable_variables,
            *model.optimizer.variables,
            *seeds,
        ]

    def save(self) -> None:
        arrays = {
            f"variable_{i}": _array(variable)
            for i, variable in enumerate(self._variables)
        }
        for i, array in enumerate(self.best or ()):
            arrays[f"best_{i}"] = array
        written = json.dumps(self.state).encode()
        arrays["state"] = np.frombuffer(written, "uint8")
        self._random = _torch_random()
        if self._random is not None:
            arrays["torch_random"] = self._random
        partial = self.file.with_suffix(".part.npz")
        np.savez(partial, **arrays)
        os.replace(partial, self.file)

    def load(self) -> bool:
        """Goes to where the file stands; returns whether there is one.

        Raises:
            ValueError: if it is of another experiment or backend.
        """
        if not self.file.exists():
            return False
        with np.load(self.file) as arrays:
            state = json.loads(arrays["state"].tobytes())
            for name in ("key", "backend"):
                if state[name] != self.state[name]:
                    raise ValueError(
                        f"{self.file.name} is of {name} {state[name]!r}: "
                        f"expected {self.state[name]!r}. Go on with that, or "
                        "delete the file to begin anew"
                    )
            self.state = {**state, "interruptions": state["interruptions"] + 1}
            for i, variable in enumerate(self._variables):
                variable.assign(arrays[f"variable_{i}"])
            trained = len(self.model.trainable_variables)
            if "best_0" in arrays:
                self.best = [arrays[f"best_{i}"] for i in range(trained)]
            if self._random is not None:
                self._random = arrays["torch_random"]
        return True

    def callback(self) -> Any:
        """Sets PyTorch's generator where the last look left it.

        Not before `fit`: the first one in a process draws more than others.
        """

        def restore(*_: Any) -> None:
            if self._random is not None:
                import torch

                torch.set_rng_state(torch.from_numpy(self._random))

        return keras.callbacks.LambdaCallback(on_epoch_begin=restore)

    def note_best(self) -> None:
        self.best = [_array(v) for v in self.model.trainable_variables]

    def to_best(self) -> None:
        """Gives the model the trained values of its best look."""
        assert self.best is not None
        for variable, array in zip(
            self.model.trainable_variables, self.best, strict=True
        ):
            variable.assign(array)


def _array(variable: Any) -> np.ndarray:
    # JAX on a CPU may share memory with what NumPy is given.
    return np.array(keras.ops.convert_to_numpy(variable.value), copy=True)


def _torch_random() -> np.ndarray | None:
    """The state from which PyTorch draws dropout; other backends keep it."""
    if keras.backend.backend() != "torch":
        return None
    import torch

    return torch.get_rng_state().numpy().copy()
