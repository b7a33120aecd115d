"""Tells flags that a user set by hand from those that the rules say.

Keras' own way to unfreeze is to set `trainable` of a layer. Such flags are what
trains: they are counted, saved and loaded beside `finetune`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_fpt.finetuning import Rule
from keras_fpt.finetuning import group_of


def flags_by_hand(
    variables: Iterable[Any], rules: Sequence[Rule]
) -> dict[str, bool]:
    """Flags that differ from what the rules say, by path.

    Args:
        variables: the variables of a model or a stack.
        rules: sequence of `Rule`. They cover all variables.
    """
    return {
        variable.path: variable.trainable
        for variable in variables
        if variable.trainable != group_of(variable.path, rules).trained
    }


def set_flags(variables: Iterable[Any], flags: Mapping[str, bool]) -> None:
    """Sets `trainable` of the variables that `flags` names.

    Raises:
        ValueError: if there is no variable of such a path.
    """
    by_path = {variable.path: variable for variable in variables}
    unknown = sorted(set(flags) - set(by_path))
    if unknown:
        raise ValueError(
            "Flags that were set by hand name variables that this model "
            f"lacks: build it with the sizes and options of the model that "
            f"was saved. Received: {', '.join(unknown)}"
        )
    for path, trained in flags.items():
        by_path[path].trainable = trained


def with_flags(
    rules: Sequence[Rule], flags: Mapping[str, bool]
) -> tuple[Rule, ...]:
    """The rules, with one in front for each flag that was set by hand."""
    return (*(_rule(p, f, rules) for p, f in flags.items()), *rules)


def _rule(path: str, trained: bool, rules: Sequence[Rule]) -> Rule:
    """The rule of one variable, which keeps its group and its block."""
    matches = ((rule, re.fullmatch(rule.pattern, path)) for rule in rules)
    rule, match = next((rule, match) for rule, match in matches if match)
    if match.groupdict().get("block") is None:
        return Rule(re.escape(path), rule.group, trained)
    start, end = match.span("block")
    before, after = re.escape(path[:start]), re.escape(path[end:])
    pattern = f"{before}(?P<block>{match['block']}){after}"
    return Rule(pattern, rule.group, trained)
