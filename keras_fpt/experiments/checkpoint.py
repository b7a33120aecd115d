"""Checkpoints of unfinished runs."""

from __future__ import annotations

import hashlib
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
from keras_fpt.experiments.experiment import is_known
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
                        "delete the file to start over"
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


def _state(arrays: Any) -> dict[str, Any]:
    return json.loads(arrays["state"].tobytes())


def _torch_random() -> list[np.ndarray]:
    """States of PyTorch's random generators: of the CPU, of each GPU.

    Other backends keep theirs in variables.
    """
    if keras.backend.backend() != "torch":
        return []
    import torch

    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.numpy().copy() for state in states]


def file_name(group: Sequence[Experiment]) -> str:
    """Name of the checkpoint of these runs."""
    keys = [experiment.key for experiment in group]
    if len(keys) == 1:
        return f"{keys[0]}.npz"
    digest = hashlib.sha256(" ".join(keys).encode()).hexdigest()
    return f"{digest[:16]}.npz"


def unfinished(
    results_dir: pathlib.Path, experiments: Mapping[str, Experiment]
) -> list[list[Experiment]]:
    """Groups that were interrupted, on this backend.

    Args:
        results_dir: path.
        experiments: mapping from keys to experiments that are to run. A group
            with somebody's own task or model that is not among them is left
            out: nothing here knows what to run.
    """
    groups = []
    for file in sorted((results_dir / "unfinished").glob("*.npz")):
        if file.name.startswith("."):  # being written
            continue
        try:
            with np.load(file) as arrays:
                state = _state(arrays)
        except FileNotFoundError:  # another process has finished it
            continue
        # Those of before trunks were noted are of an earlier version.
        trunks = state.get("trunks", [None] * len(state["keys"]))
        each = list(
            zip(state["keys"], state["experiments"], trunks, strict=True)
        )
        if not all(key in experiments or is_known(c) for key, c, _ in each):
            continue
        group = [
            experiments.get(key) or Experiment.from_config(config, trunk)
            for key, config, trunk in each
        ]
        # Under another name it is of an earlier version.
        if state["backend"] == keras.backend.backend() and (
            file_name(group) == file.name
        ):
            groups.append(group)
    return groups
