"""GPT-2: as a trunk; its equality has a file of its own."""

from helpers.trunk_tests import TrunkTests


class TestTrunk(TrunkTests):
    FAMILIES = ("gpt2",)
