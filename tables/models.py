"""The models that the rows of the tables name."""

from __future__ import annotations

from typing import Any

from experiment import Experiment

import keras_fpt
from keras_fpt import baselines

# Where presets lie that no hub has: a name in an experiment -> a folder.
FOLDERS: dict[str, str] = {}


def build(experiment: Experiment, task: keras_fpt.tasks.Task) -> Any:
    """The model of an experiment, uncompiled."""
    arguments = dict(experiment.model_options)
    if experiment.model == "fpt":
        preset = arguments.pop("preset")
        return keras_fpt.FrozenPretrainedTransformer.from_preset(
            FOLDERS.get(preset, preset),
            task=task,
            seed=experiment.seed,
            **arguments,
        )
    if experiment.model == "cnn":
        return baselines.cnn(task, **arguments)
    baseline = getattr(baselines, experiment.model)
    return baseline(task, seed=experiment.seed, **arguments)
