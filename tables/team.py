"""Models that train together, or one that trains alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from experiment import Experiment

import keras_fpt

Logs = list[dict[str, float]]


class Team:
    """`fit` and `evaluate` of one model, or of many at once.

    Args:
        models: sequence of compiled models. Of more than one,
            `keras_fpt.Replicas` are made.
    """

    def __init__(self, models: Sequence[Any]) -> None:
        self.models = list(models)
        self._replicas = (
            keras_fpt.Replicas(self.models) if len(self.models) > 1 else None
        )

    def fit(self, data: Sequence[Any], steps: int, callback: Any) -> Logs:
        """Trains on a data set for each; returns loss and accuracy of each."""
        if self._replicas is not None:
            histories = self._replicas.fit(data, steps_per_epoch=steps)
        else:
            histories = [
                self.models[0]
                .fit(
                    data[0],
                    steps_per_epoch=steps,
                    shuffle=False,
                    verbose=0,
                    callbacks=[callback],
                )
                .history
            ]
        return [{k: v[0] for k, v in each.items()} for each in histories]

    def accuracies(self, data: Any) -> list[float]:
        if self._replicas is not None:
            results = self._replicas.evaluate(data)
        else:
            results = [
                self.models[0].evaluate(data, verbose=0, return_dict=True)
            ]
        return [float(logs["accuracy"]) for logs in results]


def teams(
    experiments: Sequence[Experiment], most: int
) -> list[list[Experiment]]:
    """Experiments that can train together, in lists of at most so many.

    They differ in learning rates, and in seeds where batches are of one length
    and, on a CPU, no trunk is drawn. Where replicas are not to be had, each is
    alone.
    """
    if keras.backend.backend() != "jax" or most == 1:
        return [[experiment] for experiment in experiments]
    found: dict[Any, list[list[Experiment]]] = {}
    for experiment in experiments:
        lists = found.setdefault(_alike(experiment), [[]])
        if len(lists[-1]) == most:
            lists.append([])
        lists[-1].append(experiment)
    return [each for lists in found.values() for each in lists]


def _alike(experiment: Experiment) -> Experiment:
    """What experiments that can train together have in common."""
    task = keras_fpt.tasks.get(experiment.task, **dict(experiment.task_options))
    arguments = dict(experiment.model_options)
    if experiment.model == "fpt":
        drawn = arguments.get("initialization", "pretrained") != "pretrained"
        everything = arguments.get("finetune") == "full"
    else:
        drawn = True
        everything = arguments.get("finetune", "full") == "full"
    # On a CPU, trunks of their own take the time of runs alone.
    own_trunk = drawn and not everything and not _has_accelerator()
    own_seed = task.padding_mask or own_trunk
    return experiment.with_(
        learning_rate=0.0, seed=experiment.seed if own_seed else 0
    )


def _has_accelerator() -> bool:
    import jax

    return jax.default_backend() != "cpu"
