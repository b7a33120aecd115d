"""The transformer that learns from scratch: counts, files, refusals."""

import pytest
from helpers.baseline_tests import SIZES
from helpers.baseline_tests import BaselineTests
from helpers.baseline_tests import trained
from helpers.marks import once

import keras_fpt
from keras_fpt import baselines


class TestBaseline(BaselineTests):
    NAMES = ("transformer",)


@once
def test_counts():
    task = keras_fpt.tasks.get("cifar10")
    total, counts = trained(baselines.transformer(task, num_layers=3))
    projections = 4 * (768 * 768 + 768)
    block = projections + 2 * 768 * 3_072 + 3_072 + 768
    assert counts["attention"]["trained"] == 3 * projections
    assert total == 45_322 + 3 * (block + 4 * 768) + 786_432 + 1_536


@once
def test_heads_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="must divide `hidden_dim`"):
        baselines.transformer(**SIZES, num_heads=3)
