"""What makes it fast computes what keras-nlp's own layers compute."""

import pytest
from helpers.keras_nlp_blocks import READOUTS
from helpers.keras_nlp_blocks import check_against_keras_nlp
from helpers.marks import each

from keras_fpt.trunks.gpt2 import GPT2Trunk
from keras_fpt.trunks.opt import OPTTrunk


@pytest.mark.parametrize("readout", each(*range(len(READOUTS))))
@pytest.mark.parametrize(
    ("name", "trunk_class"), each(("gpt2", GPT2Trunk), ("opt", OPTTrunk))
)
def test_values_and_gradients_are_those_of_keras_nlp(
    name, trunk_class, readout
):
    check_against_keras_nlp(name, trunk_class, readout)
