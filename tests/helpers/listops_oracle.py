"""ListOps a second time, one node at a time: what the tests compare with."""

import statistics

import numpy as np

from keras_fpt.tasks.listops import ListOps
from keras_fpt.tasks.listops_trees import SYMBOLS

OPERATORS = ("MIN", "MAX", "MED", "SM")
SMALL = {
    "min_length": 20,
    "max_length": 60,
    "num_train_examples": 200,
    "num_validation_examples": 30,
    "num_test_examples": 40,
}
SPLITS = ("train", "validation", "test")


def make(variant="paper", **arguments):
    """A small task: pass `cache_dir` or `data_dir`."""
    return ListOps(variant, **{**SMALL, **arguments})


# A tree is a digit or a tuple of
# the operator's name and its arguments.


def draw_tree(rng, depth=1, max_depth=10, max_args=10):
    if depth == max_depth or rng.random() > 0.25:
        return rng.randrange(10)
    num_args = rng.randint(2, max_args)
    arguments = [
        draw_tree(rng, depth + 1, max_depth, max_args) for _ in range(num_args)
    ]
    return (rng.choice(OPERATORS), *arguments)


def value_of(tree):
    if isinstance(tree, int):
        return tree
    operator, *arguments = tree
    values = [value_of(argument) for argument in arguments]
    if operator == "SM":
        return sum(values) % 10
    functions = {"MIN": min, "MAX": max, "MED": statistics.median}
    return int(functions[operator](values))


def symbols_of(tree):
    if isinstance(tree, int):
        return [str(tree)]
    operator, *arguments = tree
    inner = [symbol for tree in arguments for symbol in symbols_of(tree)]
    return [operator, *inner, "]"]


def tree_of(symbols):
    """Reads a list of symbols, back to front, and empties it."""
    symbol = symbols.pop()
    if symbol not in OPERATORS:
        return int(symbol)
    arguments = []
    while symbols[-1] != "]":
        arguments.append(tree_of(symbols))
    symbols.pop()
    return (symbol, *arguments)


def ids(symbols):
    return np.array([SYMBOLS.index(symbol) for symbol in symbols], "uint8")


def expressions(drawn):
    return np.split(drawn["tokens"], np.cumsum(drawn["lengths"])[:-1])


def trees(drawn):
    for tokens in expressions(drawn):
        yield tree_of([SYMBOLS[token] for token in tokens[::-1]])
