"""Sizes: whole numbers, NumPy's too; all else is refused."""

import numpy as np
import pytest
from helpers.checks import check_survives
from helpers.checks import check_trained_file

import keras_fpt
from keras_fpt.sizes import whole_number

FPT = keras_fpt.FrozenPretrainedTransformer


def test_sizes_may_be_numpys(backbone, tmp_path):
    ids = np.array([0, 3, 10])
    sizes = {
        "inputs": {"num_tokens": ids[1], "vocabulary_size": ids.max() + 1},
        "outputs": (np.int32(2), ids[1]),
        "num_layers": ids[1] - 2,
        "initialization": "random",
        "seed": ids[2],
    }
    model = FPT(backbone, **sizes)
    assert model.output_shape == (None, 2, 3)
    fresh = FPT(backbone, **sizes)
    check_trained_file(model, tmp_path / "trained.safetensors", fresh)
    check_survives(model, tmp_path / "model.keras", np.array([[0, 1, 2]]))


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_come_out_as_ints(value):
    number = whole_number("size", value)
    assert number == 3 and type(number) is int


@pytest.mark.parametrize("value", [3.0, "3", None, True, 0, -1, np.float32(3)])
def test_all_else_is_refused(value):
    with pytest.raises(ValueError, match="`size` must be a whole.*size="):
        whole_number("size", value)


def test_bounds():
    assert whole_number("seed", 0, least=0, below=1) == 0
    with pytest.raises(ValueError, match="at least 0 and below 1.*seed=1"):
        whole_number("seed", 1, least=0, below=1)
