"""Checkpoints of unfinished runs."""

from __future__ import annotations

import json
import pathlib
import time
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt.backend import copy_of
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.unfinished import read_state
from keras_fpt.experiments.unfinished import warn_of
from keras_fpt.files import write_whole

# Largest share of the time that goes into writing large checkpoints.
SHARE_OF_SAVING = 0.05


class RunCheckpoint:
    """State of runs that train together, between two evaluations.

    Args:
        models: sequence of compiled models, built the same way every time.
        file: path. Where the state is kept until the runs end.
        experiments: sequence of `Experiment`. Those of the models.

    Attributes:
        state: dict that JSON can hold: step, histories, seconds.
        best: list of lists of arrays, or `None`. For each model, the trained
            values of its best evaluation.
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
            "trunks": [each.trunk_sha256 for each in experiments],
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
                # Random states of dropout: JAX and TensorFlow keep them here.
                *(
                    v
                    for v in model.variables
                    if v.path.endswith("_generator_state")
                ),
            ]

    def save(self) -> None:
        """Writes the state; one that takes long, not at every evaluation."""
        self._random = _torch_random()
        begin = time.perf_counter()
        if begin < self._not_before:
            return
        arrays = {
            f"variable_{i}": copy_of(variable)
            for i, variable in enumerate(self._variables)
        }
        for i, best in enumerate(self.best):
            for j, array in enumerate(best or ()):
                arrays[f"best_{i}_{j}"] = array
        written = json.dumps(self.state).encode()
        arrays["state"] = np.frombuffer(written, "uint8")
        for i, array in enumerate(self._random):
            arrays[f"torch_random_{i}"] = array
        write_whole(
            self.file,
            lambda path: np.savez(path, **arrays),  # type: ignore[arg-type]
        )
        end = time.perf_counter()
        # A fully trained GPT-2 is 1 GB; an evaluation on bits takes seconds.
        if end - begin > 1:
            self._not_before = end + (end - begin) / SHARE_OF_SAVING

    def load(self) -> bool:
        """Restores the state of the file; returns whether there is one.

        A file that cannot be read is as none: a warning says so, and the runs
        start over.

        Raises:
            ValueError: if it is of other experiments or another backend.
        """
        state = read_state(self.file)
        if state is None:
            return False
        for name in ("keys", "backend"):
            if state.get(name) != self.state[name]:
                raise ValueError(
                    f"{str(self.file)!r} is of {name} {state.get(name)!r}: "
                    f"expected {self.state[name]!r}. Go on with that, or "
                    "delete the file to start over"
                )
        try:
            # All that is there, before anything is changed.
            with np.load(self.file) as file:
                arrays = dict(file)
            values = self._values(arrays)
            random = [
                arrays[f"torch_random_{i}"] for i in range(len(self._random))
            ]
            best = [
                [
                    arrays[f"best_{i}_{j}"]
                    for j in range(len(model.trainable_variables))
                ]
                if f"best_{i}_0" in arrays
                else None
                for i, model in enumerate(self.models)
            ]
            going_on = {**state, "interruptions": state["interruptions"] + 1}
        except Exception as error:
            warn_of(self.file, error)
            return False
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        self.state, self.best, self._random = going_on, best, random
        return True

    def _values(self, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        values = [arrays[f"variable_{i}"] for i in range(len(self._variables))]
        for variable, value in zip(self._variables, values, strict=True):
            if value.shape != tuple(variable.shape):
                raise ValueError(
                    f"{variable.path} has shape {value.shape} there and "
                    f"{tuple(variable.shape)} here"
                )
        return values

    def callback(self) -> Any:
        """Restores PyTorch's random states when `fit` begins.

        Not earlier: the first `fit` of a process draws more than others.
        """

        def restore(*_: Any) -> None:
            if self._random:
                import torch

                states = [torch.from_numpy(array) for array in self._random]
                torch.set_rng_state(states[0])
                torch.cuda.set_rng_state_all(states[1:])

        return keras.callbacks.LambdaCallback(on_epoch_begin=restore)

    def remember_best(self, i: int) -> None:
        """Keeps the present trained values of a model as its best."""
        trained = self.models[i].trainable_variables
        self.best[i] = [copy_of(variable) for variable in trained]

    def restore_best(self, i: int) -> None:
        """Gives a model the trained values of its best evaluation."""
        best = self.best[i]
        assert best is not None
        for variable, array in zip(
            self.models[i].trainable_variables, best, strict=True
        ):
            variable.assign(array)


def _torch_random() -> list[np.ndarray]:
    """States of PyTorch's random generators: of the CPU, of each GPU.

    Other backends keep theirs in variables.
    """
    if keras.backend.backend() != "torch":
        return []
    import torch

    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.numpy().copy() for state in states]
