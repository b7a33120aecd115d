"""The models that the rows of the tables name."""

from __future__ import annotations

from typing import Any

from experiment import Experiment

import keras_fpt
from keras_fpt import baselines

# Where presets lie that no hub has: a name in an experiment -> a folder.
FOLDERS: dict[str, str] = {}


def gpt2_base(num_layers: int = 12, dropout: float = 0.1) -> Any:
    """A backbone of GPT-2 base's sizes, with random values: to measure."""
    import keras_nlp

    return keras_nlp.models.GPT2Backbone(
        vocabulary_size=1,  # the trunk has no token table
        num_layers=num_layers,
        num_heads=12,
        hidden_dim=768,
        intermediate_dim=3072,
        dropout=dropout,
        max_sequence_length=1024,
    )


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
