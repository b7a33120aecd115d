"""Scales: sizes change, the protocol does not."""

import pytest
from scales import CPU
from scales import PAPER

from keras_fpt.experiments import Recipe
from keras_fpt.experiments import Row
from keras_fpt.experiments import Scale


def test_sizes_change_and_the_protocol_does_not():
    for row, rate in (
        (Row.fpt(num_layers=3), 1e-3),
        (Row.lstm(num_layers=3), 3e-4),
    ):
        paper, small = (
            scale.experiment(row, "mnist", seed=2) for scale in (PAPER, CPU)
        )
        assert paper.learning_rate == small.learning_rate == rate
        assert (paper.seed, small.seed) == (2, 2)
        assert paper.patience is small.patience is None
        assert paper.steps > 10 * small.steps
    assert dict(small.model_options)["hidden_dim"] == 256
    homology = PAPER.experiment(Row.fpt(), "remote_homology")
    assert homology.learning_rate == 1e-4
    assert PAPER.experiment(Row.lstm(), "remote_homology").learning_rate == 1e-4


def test_models_that_a_scale_has_not():
    assert CPU.experiment(Row.fpt(preset="gpt2_large_en"), "mnist") is None
    assert CPU.experiment(Row.lstm(num_layers=5), "mnist") is None
    assert CPU.experiment(Row.fpt(), "remote_homology") is None


def test_one_recipe_serves_every_task():
    scale = Scale("mine", Recipe(10, 5, 2, patience=3), sweep=(1e-3, 1e-2))
    experiment = scale.experiment(Row.lstm(), "mnist", learning_rate=0.5)
    assert (experiment.steps, experiment.patience) == (10, 3)
    assert experiment.learning_rate == 0.5 and experiment.scale == "mine"


def test_one_rate_is_no_sweep():
    with pytest.raises(ValueError, match="at least two learning rates"):
        Scale("mine", Recipe(10, 5, 2), sweep=(1e-3, 1e-3))
