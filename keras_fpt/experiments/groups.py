"""Groups of runs that train together, and the training of a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_fpt.experiments.experiment import Experiment
from keras_fpt.replicas import Replicas

Logs = list[dict[str, float]]


class Group:
    """`fit` and `evaluate` of one model, or of several in one step.

    Args:
        models: sequence of compiled models. More than one train as
            `keras_fpt.Replicas`.
    """

    def __init__(self, models: Sequence[Any]) -> None:
        self.models = list(models)
        self._replicas = Replicas(self.models) if len(self.models) > 1 else None

    def fit(self, data: Sequence[Any], steps: int, callback: Any) -> Logs:
        """Trains each on its data set; returns the logs of each."""
        if self._replicas is not None:
            histories = self._replicas.fit(list(data), steps_per_epoch=steps)
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

    def evaluate(self, data: Sequence[Any]) -> Logs:
        """Evaluates each on its data set; returns the logs of each."""
        if self._replicas is None:
            return [
                self.models[0].evaluate(data[0], verbose=0, return_dict=True)
            ]
        same = all(each is data[0] for each in data)
        return self._replicas.evaluate(data[0] if same else list(data))


def group_experiments(
    experiments: Sequence[Experiment], most: int
) -> list[list[Experiment]]:
    """Groups of experiments that can train together.

    Runs of a group may differ in learning rate; also in seed, if batches have
    one length and (on CPU) the trunk is not random. Without JAX each run is
    its own group.

    Args:
        experiments: sequence of `Experiment`.
        most: int. Largest number of runs in a group.
    """
    if keras.backend.backend() != "jax" or most == 1:
        return [[experiment] for experiment in experiments]
    groups: dict[Any, list[list[Experiment]]] = {}
    for experiment in experiments:
        lists = groups.setdefault(_alike(experiment), [[]])
        if len(lists[-1]) == most:
            lists.append([])
        lists[-1].append(experiment)
    return [each for lists in groups.values() for each in lists]


def _alike(experiment: Experiment) -> Any:
    """What experiments that can train together have in common."""
    task = experiment.make_task()
    arguments = dict(experiment.model_options)
    if experiment.own_model is not None:
        # Nothing is known of it: Keras' models in general do not stack.
        return experiment
    if experiment.model == "fpt":
        random = arguments.get("initialization", "pretrained") != "pretrained"
        everything = arguments.get("finetune") == "full"
    else:
        random = True
        everything = arguments.get("finetune", "full") == "full"
    # On a CPU, trunks of their own take the time of single runs.
    own_trunk = random and not everything and not _has_accelerator()
    own_seed = task.padding_mask or own_trunk
    # Splits differ between seeds, but not in size.
    sizes = (
        task.num_train_examples,
        task.num_validation_examples,
        task.num_test_examples,
    )
    options = dict(experiment.task_options)
    if not own_seed:
        options.pop("split_seed", None)
    return sizes, experiment.replace(
        learning_rate=0.0,
        seed=experiment.seed if own_seed else 0,
        task=experiment.task,
        task_options=tuple(options.items()),
    )


def _has_accelerator() -> bool:
    import jax

    return jax.default_backend() != "cpu"
