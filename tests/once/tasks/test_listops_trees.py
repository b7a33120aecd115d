"""ListOps expressions: what they are worth, how they are spread."""

import collections
import random

import numpy as np
import pytest
from helpers.listops_oracle import draw_tree
from helpers.listops_oracle import expressions
from helpers.listops_oracle import ids
from helpers.listops_oracle import symbols_of
from helpers.listops_oracle import trees
from helpers.listops_oracle import value_of

from keras_fpt.tasks import listops_trees
from keras_fpt.tasks.listops_trees import TreeSizes
from keras_fpt.tasks.listops_trees import evaluate
from keras_fpt.tasks.listops_trees import generate


class TestEvaluate:
    @pytest.mark.parametrize(
        "expression, value",
        [
            ("7", 7),
            ("MIN 4 2 9 ]", 2),
            ("MAX 4 2 9 ]", 9),
            ("MED 9 1 2 ]", 2),
            ("MED 3 8 ]", 5),  # 5.5, rounded down
            ("MED 9 0 4 3 ]", 3),  # 3.5
            ("MED 9 9 ]", 9),
            ("SM 7 8 ]", 5),
            ("SM 9 9 9 9 9 9 9 9 9 9 ]", 0),
            ("SM 5 5 ]", 0),
            ("MAX 4 SM 7 8 ] 3 ]", 5),
            ("MIN MIN MIN 8 9 ] 9 ] 9 ]", 8),
            ("MED SM 9 9 ] MAX 0 MIN 6 7 ] ] 1 MED 2 3 ] ]", 4),
        ],
    )
    def test_by_hand(self, expression, value):
        assert evaluate(ids(expression.split())).tolist() == [value]

    @pytest.mark.parametrize(
        "max_depth, max_args", [(3, 3), (5, 4), (10, 10), (4, 40)]
    )
    def test_random_trees(self, max_depth, max_args):
        rng = random.Random(0)
        drawn = [draw_tree(rng, 1, max_depth, max_args) for _ in range(400)]
        drawn = [tree for tree in drawn if len(symbols_of(tree)) < 3000]
        tokens = np.concatenate([ids(symbols_of(tree)) for tree in drawn])
        expected = [value_of(tree) for tree in drawn]
        assert evaluate(tokens).tolist() == expected

    def test_nested_deeper_than_a_byte_counts(self):
        symbols = 300 * ["SM", "1"] + ["5"] + 300 * ["]"]
        assert evaluate(ids(symbols)).tolist() == [5]


MEDIUM = TreeSizes(min_length=30, max_length=200, max_depth=6)


def features(tree):
    """What a wrong generator gets wrong: counts over one expression."""
    counts = collections.Counter()

    def visit(tree, depth):
        counts["length"] += 1
        counts["depth"] = max(counts["depth"], depth)
        if isinstance(tree, int):
            counts[f"digit {tree}"] += 1
            return
        operator, *arguments = tree
        counts["length"] += 1
        counts["operators"] += 1
        counts[operator] += 1
        counts[f"root {operator}"] += depth == 1
        counts[f"operators at {depth}"] += 1
        counts[f"{len(arguments)} arguments"] += 1
        for place, argument in enumerate(arguments):
            inner = not isinstance(argument, int)
            counts["inner first" if place == 0 else "inner later"] += inner
            visit(argument, depth + 1)

    visit(tree, 1)
    counts[f"value {value_of(tree)}"] += 1
    return counts


def distance(some, others):
    """The largest difference of mean features, in standard errors."""
    names = sorted(set().union(*some, *others))
    means, variances = [], []
    for sample in (some, others):
        table = np.array([[row[name] for name in names] for row in sample])
        means.append(table.mean(axis=0))
        # A feature that one sample lacks still has an error.
        variances.append(np.maximum(table.var(axis=0), 0.01) / len(table))
    errors = np.sqrt(variances[0] + variances[1])
    return np.abs((means[0] - means[1]) / errors).max()


class TestGenerate:
    @pytest.fixture(scope="class")
    def reference(self):
        rng = random.Random(0)
        kept = []
        while len(kept) < 4000:
            tree = draw_tree(rng, max_depth=MEDIUM.max_depth)
            length = len(symbols_of(tree))
            if MEDIUM.min_length < length < MEDIUM.max_length:
                kept.append(features(tree))
        return kept

    def drawn(self, sizes=MEDIUM, seed=0):
        return [features(tree) for tree in trees(generate(4000, sizes, seed))]

    # Over some 45 features, five standard errors come once in 40,000 runs.
    @pytest.mark.parametrize("seed", [0, 1])
    def test_distribution_is_that_of_the_plain_sampler(self, reference, seed):
        assert distance(self.drawn(seed=seed), reference) < 5

    @pytest.mark.parametrize(
        "share, sizes",
        [
            (0.3, MEDIUM),
            (0.2, MEDIUM),
            (0.25, TreeSizes(30, 200, max_depth=6, max_args=9)),
            (0.25, TreeSizes(30, 200, max_depth=5)),
            (0.25, TreeSizes(30, 200, max_depth=7)),
            (0.25, TreeSizes(40, 200, max_depth=6)),
        ],
    )
    def test_a_wrong_distribution_is_far(
        self, reference, share, sizes, monkeypatch
    ):
        monkeypatch.setattr(listops_trees, "_OPERATOR_SHARE", share)
        assert distance(self.drawn(sizes), reference) > 7

    def test_values_are_those_of_the_expressions(self):
        drawn = generate(300, TreeSizes(), seed=3)
        expected = [value_of(tree) for tree in trees(drawn)]
        assert drawn["values"].tolist() == expected
        assert 500 < drawn["lengths"].min() <= drawn["lengths"].max() < 2000

    @pytest.mark.parametrize("bounds", [(20, 60), (5, 7), (1, 5)])
    def test_lengths_lie_within_bounds_and_reach_them(self, bounds):
        low, high = bounds
        drawn = generate(300, TreeSizes(low, high))
        assert drawn["lengths"].sum() == len(drawn["tokens"])
        lengths = {len(tokens) for tokens in expressions(drawn)}
        # The shortest expression has an operator, two digits and a bracket.
        assert lengths == set(range(max(4, low + 1), high))

    def test_depth_is_bounded(self):
        drawn = generate(500, TreeSizes(20, 100, max_depth=4, max_args=6))
        for tree in trees(drawn):
            assert features(tree)["depth"] <= 4
            assert not features(tree)["7 arguments"]

    def test_follows_from_seed_and_sizes(self):
        first, again = generate(2000, MEDIUM, 5), generate(2000, MEDIUM, 5)
        for name in ("tokens", "lengths", "values"):
            np.testing.assert_array_equal(first[name], again[name])
        fewer = generate(500, MEDIUM, 5)
        np.testing.assert_array_equal(fewer["values"], first["values"][:500])
        other = generate(2000, MEDIUM, 6)
        common = {row.tobytes() for row in expressions(first)}
        common &= {row.tobytes() for row in expressions(other)}
        assert not common
        assert first["tokens"].dtype == "uint8"
        assert first["lengths"].dtype == first["values"].dtype == "int32"

    def test_no_expression_comes_twice(self):
        # Only 400 have four tokens: most are drawn many times.
        drawn = generate(390, TreeSizes(3, 5))
        assert len({row.tobytes() for row in expressions(drawn)}) == 390

    @pytest.mark.parametrize(
        "count, sizes, message",
        [
            (401, TreeSizes(3, 5), "400 different.*max_length=5.*401"),
            (1, TreeSizes(500, 600, max_depth=2), "0 different.*max_depth=2"),
        ],
    )
    def test_too_few_expressions(self, count, sizes, message, monkeypatch):
        monkeypatch.setattr(listops_trees, "_IDLE_CHUNKS", 20)
        with pytest.raises(ValueError, match=message):
            generate(count, sizes)
