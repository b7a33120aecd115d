"""Flags that were set by hand, beside what the rules say."""

import types

import pytest

from keras_fpt.finetuning import Rule
from keras_fpt.finetuning import group_of
from keras_fpt.flags import flags_by_hand
from keras_fpt.flags import set_flags
from keras_fpt.flags import with_flags

RULES = (
    Rule(r"block_(?P<block>\d+)/norm/gamma", "layernorm", True),
    Rule(r"block_(?P<block>\d+)/dense/kernel", "feed_forward", False),
)
NAMES = ("block_0/norm/gamma", "block_0/dense/kernel", "block_1/dense/kernel")


def variables():
    return [
        types.SimpleNamespace(path=n, trainable=n.endswith("gamma"))
        for n in NAMES
    ]


def test_only_what_differs_is_by_hand():
    made = variables()
    assert flags_by_hand(made, RULES) == {}
    made[0].trainable, made[2].trainable = False, True
    flags = flags_by_hand(made, RULES)
    assert flags == {NAMES[0]: False, NAMES[2]: True}
    again = variables()
    set_flags(again, flags)
    assert [v.trainable for v in again] == [False, False, True]


def test_rules_with_flags_keep_group_and_block():
    rules = with_flags(RULES, {NAMES[2]: True})
    one, other = (group_of(name, rules) for name in NAMES[:0:-1])
    assert one == ("feed_forward", 1, True)
    assert other == ("feed_forward", 0, False)


def test_a_flag_of_no_variable():
    with pytest.raises(ValueError, match="lacks.*block_7"):
        set_flags(variables(), {"block_7/dense/kernel": True})
