"""Parameter groups, and rules that decide which variables are trained.

A model's variables fall into the paper's six groups (the kernels of a recurrent
network make a seventh). A selection names groups
(`"layernorm"`), blocks of a group (`"attention[-1]"`, `"feed_forward[0:6]"`)
or a preset (`"fpt"`), and becomes an ordered list of rules: the first rule
whose pattern matches a variable's path says its group and whether it trains.
A variable that no rule matches is an error, never a silent freeze.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

# In the order in which a sequence meets them.
GROUPS = (
    "input",
    "positions",
    "layernorm",
    "attention",
    "feed_forward",
    "recurrent",
    "output",
)
# Those of which every block has a part.
BLOCK_GROUPS = ("layernorm", "attention", "feed_forward", "recurrent")
# Matrices that are added to frozen kernels in order to be trained: the group
# is there where a model was asked for it, and trains then.
LORA = "lora"
LORA_PATHS = (r".+/lora_kernel_[ab]",)
# Statistics of the tokens, where a model was given them: never trained.
NORMALIZATION = "normalization"
PRESETS: dict[str, tuple[str, ...]] = {
    # The four groups that the paper trains (section 2.2 and Table 15).
    "fpt": ("input", "output", "positions", "layernorm"),
    "full": GROUPS,
    # The linear probe of Table 10.
    "output_only": ("output",),
}
# Counted even where a model has none of them.
_PAPER = frozenset(GROUPS) - {"recurrent"}
_SELECTION = re.compile(r"(\w+)(?:\[(-?\d*)(:?)(-?\d*)\])?")

Finetune = str | Sequence[str]


class Rule(NamedTuple):
    """A path pattern, its group, and whether the group is trained."""

    pattern: str
    group: str
    trained: bool


class Group(NamedTuple):
    """The group of a variable and the block that it stands in, if any."""

    name: str
    block: int | None
    trained: bool


def make_rules(
    finetune: Finetune,
    patterns: Mapping[str, Sequence[str]],
    num_blocks: int,
    first_block: int = 0,
) -> tuple[Rule, ...]:
    """Turns a selection into ordered rules.

    Args:
        finetune: string or sequence of strings. Groups, groups with blocks,
            presets, in any mixture.
        patterns: mapping from groups to regular expressions over whole
            variable paths. `{block}` stands where the number of a block does.
            A group without patterns makes no rules.
        num_blocks: int. The number of blocks.
        first_block: int. The number that the first block has in paths.
            Defaults to `0`.

    Returns:
        Tuple of `Rule`, to be tried in order.
    """
    selected = _selected_blocks(finetune, num_blocks)
    rules = [
        Rule(pattern, group, trained)
        for group, trained in ((LORA, True), (NORMALIZATION, False))
        for pattern in patterns.get(group, ())
    ]
    for group in (g for g in GROUPS if g in patterns):
        for pattern in patterns[group]:
            every = pattern.format(block=r"(?P<block>\d+)")
            if group not in selected:
                rules.append(Rule(every, group, False))
            elif selected[group] is None:
                rules.append(Rule(every, group, True))
            else:
                if "{block}" in pattern:
                    blocks = sorted(selected[group] or ())
                    some = "|".join(str(first_block + b) for b in blocks)
                    some = pattern.format(block=f"(?P<block>{some})")
                    rules.append(Rule(some, group, True))
                rules.append(Rule(every, group, False))
    return tuple(rules)


def check_groups(
    finetune: Finetune, patterns: Mapping[str, Sequence[str]]
) -> None:
    """Refuses a group of blocks, asked for by name, that no block has.

    Positions may be missing: the paper's four groups then are three.
    """
    for word in [finetune] if isinstance(finetune, str) else finetune:
        name = word.partition("[")[0]
        if name in BLOCK_GROUPS and name not in patterns:
            has = [g for g in BLOCK_GROUPS if g in patterns]
            raise ValueError(
                f"This model has no group {name!r} to train. Its blocks have: "
                f"{', '.join(has) or 'nothing'}. Received: "
                f"finetune={finetune!r}"
            )


def group_of(path: str, rules: Iterable[Rule]) -> Group:
    """Finds the group of the variable at `path`: the first rule wins."""
    for rule in rules:
        match = re.fullmatch(rule.pattern, path)
        if match:
            block = match.groupdict().get("block")
            number = None if block is None else int(block)
            return Group(rule.group, number, rule.trained)
    raise ValueError(
        f"No finetune rule covers the variable {path!r}: add a pattern for it "
        "to the groups of its trunk"
    )


def apply_rules(variables: Iterable[Any], rules: Iterable[Rule]) -> None:
    """Sets `trainable` of every variable; none may be left uncovered."""
    rules = tuple(rules)
    fates = [(v, group_of(v.path, rules).trained) for v in variables]
    for variable, trained in fates:
        variable.trainable = trained


def trained_paths(variables: Iterable[Any], rules: Iterable[Rule]) -> list[str]:
    """Paths of the variables that the rules train."""
    rules = tuple(rules)
    paths = [variable.path for variable in variables]
    return [path for path in paths if group_of(path, rules).trained]


def count_parameters(
    variables: Iterable[Any], rules: Sequence[Rule], num_tokens: int
) -> dict[str, dict[str, int]]:
    """Counts parameters by group, as they are and as the paper counts.

    The paper's formulas (its appendix and Table 8) hold only the positions in
    use, no bias of the head and no norm outside the blocks.
    """
    groups = [(group_of(v.path, rules), tuple(v.shape)) for v in variables]
    present = {group.name for group, _ in groups}
    known = (NORMALIZATION, *GROUPS, LORA)
    names = [name for name in known if name in _PAPER or name in present]
    counts = {n: {"trained": 0, "total": 0, "paper": 0} for n in names}
    for group, shape in groups:
        row = counts[group.name]
        row["total"] += math.prod(shape)
        if not group.trained:
            continue
        row["trained"] += math.prod(shape)
        if group.name == "positions":
            row["paper"] += num_tokens * math.prod(shape[1:])
        elif group.name == "output" and len(shape) == 1:
            continue
        elif group.name == "layernorm" and group.block is None:
            continue
        else:
            row["paper"] += math.prod(shape)
    rows = list(counts.values())
    counts["total"] = {k: sum(row[k] for row in rows) for k in rows[0]}
    return counts


def describe_counts(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The counts as a table."""
    total = counts["total"]
    lines = [f"{'group':<14}{'trained':>14}{'total':>14}{'paper counts':>14}"]
    for name, row in counts.items():
        numbers = "".join(
            f"{row[key]:>14,}" for key in ("trained", "total", "paper")
        )
        lines.append(f"{name:<14}{numbers}")
    share = total["trained"] / total["total"]
    lines.append(f"trained: {share:.2%} of the parameters")
    return "\n".join(lines)


def _selected_blocks(
    finetune: Finetune, num_blocks: int
) -> dict[str, set[int] | None]:
    """Maps each selected group to its blocks; `None` is the whole group."""
    one = isinstance(finetune, str) or not isinstance(finetune, Iterable)
    words: tuple[Any, ...] = (finetune,) if one else tuple(finetune)
    if not words:
        raise ValueError(
            "`finetune` selects nothing. To train nothing, set "
            "`model.trainable = False`; the linear probe is 'output_only'"
        )
    selected: dict[str, set[int] | None] = {}
    for word in words:
        for name in PRESETS.get(word, (word,)):
            group, blocks = _parse(name, num_blocks)
            if blocks is not None and group not in BLOCK_GROUPS:
                raise ValueError(
                    f"The group {group!r} has no blocks to choose from: "
                    f"select it whole. Received: {name!r}"
                )
            before = selected.get(group, set())
            if blocks is None or before is None:
                selected[group] = None
            else:
                selected[group] = before | blocks
    return selected


def _parse(name: str, num_blocks: int) -> tuple[str, set[int] | None]:
    match = _SELECTION.fullmatch(name) if isinstance(name, str) else None
    if match is None or match[1] not in GROUPS:
        raise ValueError(
            f"Unknown finetune selection {name!r}. Known groups: "
            f"{', '.join(GROUPS)}; known presets: {', '.join(PRESETS)}; blocks "
            "of a group as in 'attention[-1]' or 'feed_forward[0:6]'"
        )
    group, start, colon, stop = match.groups()
    if name == group:
        return group, None
    blocks = range(num_blocks)
    if colon:
        chosen = set(blocks[_int(start) : _int(stop)])
    else:
        index = _int(start)
        if index is not None and -num_blocks <= index < num_blocks:
            chosen = {blocks[index]}
        else:
            chosen = set()
    if not chosen:
        raise ValueError(
            f"The selection {name!r} names no block of this trunk, whose "
            f"blocks are 0..{num_blocks - 1}"
        )
    return group, chosen


def _int(digits: str) -> int | None:
    return int(digits) if digits not in ("", "-") else None
