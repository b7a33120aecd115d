"""Where runs stand: enough of it, in a file, to go on from there."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from experiment import Experiment

# Of the time, at most so much goes into writing large states.
SHARE_OF_SAVING = 0.05


class Progress:
    """State of runs that train together, between two of their looks.

    Args:
        models: sequence of compiled models, built as every time.
        file: path. Where the state is kept while the runs go on.
        experiments: sequence of `Experiment`. Those of the models.

    Attributes:
        state: dict that JSON can hold. What is noted: step, histories.
        best: list of lists of arrays, or `None`. For each model, trained
            values of its best look.
    """

    def __init__(
        self,
        models: Sequence[Any],
        file: pathlib.Path,
        experiments: Sequence[Experiment],
    ) -> None:
        self.models = models
        self.file = file
        self.state: dict[str, Any] = {
            "keys": [experiment.key for experiment in experiments],
            "experiments": [each.config() for each in experiments],
            "backend": keras.backend.backend(),
            "step": 0,
            "histories": [[] for _ in models],
            "seconds": 0.0,
            "training_seconds": 0.0,
            "interruptions": 0,
        }
        self.best: list[list[np.ndarray] | None] = [None for _ in models]
        self._not_before = 0.0
        self._random = _torch_random()
        self._variables: list[Any] = []
        for model in models:
            model.optimizer.build(model.trainable_variables)
            self._variables += [
                *model.trainable_variables,
                *model.optimizer.variables,
                # Where dropout stands: JAX and TensorFlow keep it here.
                *(
                    v
                    for v in model.variables
                    if v.path.endswith("_generator_state")
                ),
            ]

    def save(self) -> None:
        """Writes the state; one that takes long, not at every look."""
        self._random = _torch_random()
        begin = time.perf_counter()
        if begin < self._not_before:
            return
        arrays = {
            f"variable_{i}": _array(variable)
            for i, variable in enumerate(self._variables)
        }
        for i, best in enumerate(self.best):
            for j, array in enumerate(best or ()):
                arrays[f"best_{i}_{j}"] = array
        written = json.dumps(self.state).encode()
        arrays["state"] = np.frombuffer(written, "uint8")
        for i, array in enumerate(self._random):
            arrays[f"torch_random_{i}"] = array
        partial = self.file.with_suffix(".part.npz")
        np.savez(partial, **arrays)
        os.replace(partial, self.file)
        end = time.perf_counter()
        # A fully trained GPT-2 is 1 GB, and a look at bits takes seconds.
        if end - begin > 1:
            self._not_before = end + (end - begin) / SHARE_OF_SAVING

    def load(self) -> bool:
        """Goes to where the file stands; returns whether there is one.

        Raises:
            ValueError: if it is of other experiments or another backend.
        """
        if not self.file.exists():
            return False
        with np.load(self.file) as arrays:
            state = _state(arrays)
            for name in ("keys", "backend"):
                if state.get(name) != self.state[name]:
                    raise ValueError(
                        f"{self.file.name} is of {name} {state.get(name)!r}: "
                        f"expected {self.state[name]!r}. Go on with that, or "
                        "delete the file to begin anew"
                    )
            self.state = {**state, "interruptions": state["interruptions"] + 1}
            for i, variable in enumerate(self._variables):
                variable.assign(arrays[f"variable_{i}"])
            for i, model in enumerate(self.models):
                if f"best_{i}_0" in arrays:
                    self.best[i] = [
                        arrays[f"best_{i}_{j}"]
                        for j in range(len(model.trainable_variables))
                    ]
            self._random = [
                arrays[f"torch_random_{i}"] for i in range(len(self._random))
            ]
        return True

    def callback(self) -> Any:
        """Sets PyTorch's generators where the last look left them.

        Not before `fit`: the first one in a process draws more than others.
        """

        def restore(*_: Any) -> None:
            if self._random:
                import torch

                states = [torch.from_numpy(array) for array in self._random]
                torch.set_rng_state(states[0])
                torch.cuda.set_rng_state_all(states[1:])

        return keras.callbacks.LambdaCallback(on_epoch_begin=restore)

    def note_best(self, i: int) -> None:
        self.best[i] = [_array(v) for v in self.models[i].trainable_variables]

    def to_best(self, i: int) -> None:
        """Gives a model the trained values of its best look."""
        best = self.best[i]
        assert best is not None
        for variable, array in zip(
            self.models[i].trainable_variables, best, strict=True
        ):
            variable.assign(array)


def _array(variable: Any) -> np.ndarray:
    # JAX on a CPU may share memory with what NumPy is given.
    return np.array(keras.ops.convert_to_numpy(variable.value), copy=True)


def _state(arrays: Any) -> dict[str, Any]:
    return json.loads(arrays["state"].tobytes())


def _torch_random() -> list[np.ndarray]:
    """The states from which PyTorch draws dropout: of the CPU, of each GPU.

    Other backends keep theirs in variables.
    """
    if keras.backend.backend() != "torch":
        return []
    import torch

    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.numpy().copy() for state in states]


def file_name(team: Sequence[Experiment]) -> str:
    """Of the file in which the state of these runs is kept."""
    keys = [experiment.key for experiment in team]
    if len(keys) == 1:
        return f"{keys[0]}.npz"
    digest = hashlib.sha256(" ".join(keys).encode()).hexdigest()
    return f"{digest[:16]}.npz"


def begun(folder: pathlib.Path) -> list[list[Experiment]]:
    """Teams that a kill left unfinished, on this backend."""
    found = []
    for file in sorted((folder / "unfinished").glob("*.npz")):
        if file.name.endswith(".part.npz"):
            continue
        try:
            with np.load(file) as arrays:
                state = _state(arrays)
        except FileNotFoundError:  # another process has come to its end
            continue
        configs = state.get("experiments", ())
        team = [Experiment.from_config(each) for each in configs]
        # Another name is that of an earlier version.
        if state["backend"] == keras.backend.backend() and (
            file_name(team) == file.name
        ):
            found.append(team)
    return found
