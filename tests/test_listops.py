"""ListOps: values, distribution, variants, files, cache."""

import collections
import concurrent.futures
import os
import random
import statistics
import warnings

import numpy as np
import pytest
from conftest import run_python

import keras_fpt
from keras_fpt.tasks import listops
from keras_fpt.tasks import listops_files
from keras_fpt.tasks import listops_trees
from keras_fpt.tasks.listops import ListOps
from keras_fpt.tasks.listops_trees import END
from keras_fpt.tasks.listops_trees import SYMBOLS
from keras_fpt.tasks.listops_trees import TreeSizes
from keras_fpt.tasks.listops_trees import evaluate
from keras_fpt.tasks.listops_trees import generate

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


# A second implementation, one node at a time. A tree is a digit or a tuple of
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


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


class TestListOps:
    def test_sizes_of_the_paper(self, cache_dir):
        task = ListOps()
        assert task.inputs == {"num_tokens": 512, "vocabulary_size": 15}
        assert (task.outputs, task.readout) == (10, "last")
        assert not task.padding_mask
        counts = (
            task.num_train_examples,
            task.num_validation_examples,
            task.num_test_examples,
        )
        assert counts == (96_000, 2_000, 2_000)
        task = make(cache_dir=cache_dir)
        x, y = task.train_data(batch_size=4)[0]
        assert (x.shape, x.dtype) == ((4, 512), "int32")
        assert (y.shape, y.dtype) == ((4,), "int32")
        assert task.data("train").x.dtype == "uint8"
        x, y = task.test_examples()
        assert x.shape == (40, 512) and x.max() == 14
        assert not x[:, -1].any()  # read out at padding

    def test_sizes_of_long_range_arena(self, cache_dir):
        task = ListOps("lra")
        assert task.inputs == {"num_tokens": 2000, "vocabulary_size": 16}
        assert (task.outputs, task.readout) == (10, "last_real")
        assert task.padding_mask
        task = make("lra", cache_dir=cache_dir)
        assert task.inputs["num_tokens"] == 60
        x, y = task.train_data(batch_size=4)[0]
        tokens, mask = x["tokens"], x["padding_mask"]
        assert tokens.shape == mask.shape
        assert tokens.shape[1] in task.padded_lengths
        assert (tokens.dtype, mask.dtype, y.dtype) == ("int32", "bool", "int32")
        np.testing.assert_array_equal(tokens > 0, mask)
        last = tokens[np.arange(4), mask.sum(axis=1) - 1]
        assert (last == END).all()

    def test_paper_is_lra_without_brackets_and_cut(self, cache_dir):
        paper = make(num_tokens=24, cache_dir=cache_dir)
        whole = make("lra", cache_dir=cache_dir)
        cut = 0
        for split in SPLITS:
            short, long = paper.data(split), whole.data(split)
            np.testing.assert_array_equal(short.y, long.y)
            for row, full in zip(short.x, long.x, strict=True):
                kept = full[(full != END) & (full != 0)]
                cut += len(kept) > 24
                padding = np.zeros(max(0, 24 - len(kept)), "uint8")
                np.testing.assert_array_equal(
                    row, np.concatenate([kept[:24], padding])
                )
        assert 30 < cut < 240  # both happen

    def test_answers_are_values(self, cache_dir):
        data = make("lra", cache_dir=cache_dir).data("validation")
        tokens = np.concatenate(
            [row[:n] for row, n in zip(data.x, data.lengths, strict=True)]
        )
        np.testing.assert_array_equal(evaluate(tokens), data.y)

    def test_splits_share_no_expression(self, cache_dir):
        task = make("lra", cache_dir=cache_dir)
        rows = [row.tobytes() for s in SPLITS for row in task.data(s).x]
        assert len(set(rows)) == len(rows) == 270

    def test_padded_lengths_are_few_and_pad_little(self, cache_dir):
        task = make("lra", cache_dir=cache_dir)
        assert len(task.padded_lengths) == 6
        assert task.padded_lengths[-1] == 60
        assert task.padded_share(batch_size=4) < 0.15
        assert make(cache_dir=cache_dir).padded_share(batch_size=4) == 0
        widths = {x["tokens"].shape[1] for x, _ in task.test_data(8)}
        assert widths <= set(task.padded_lengths)
        lengths = ListOps("lra").padded_lengths
        assert lengths == (750, 1000, 1250, 1500, 1750, 2000)
        assert (
            ListOps("lra", min_length=1, max_length=5).padded_lengths[-1] == 5
        )

    def test_floor(self, cache_dir):
        task = make(
            min_length=200,
            max_length=600,
            num_train_examples=4000,
            cache_dir=cache_dir,
        )
        shares = np.bincount(task.data("train").y, minlength=10) / 4000
        assert set(np.argsort(shares)[-2:]) == {0, 9}
        np.testing.assert_allclose(shares.max(), task.floor_accuracy, atol=0.03)

    def test_describe_names_the_variant(self, cache_dir):
        lines = []
        make("lra", cache_dir=cache_dir).describe(lines.append)
        assert "closing brackets" in "\n".join(lines)

    def test_a_model_trains_on_ids_with_padding(self, backbone, cache_dir):
        task = make("lra", min_length=8, max_length=24, cache_dir=cache_dir)
        model = keras_fpt.FrozenPretrainedTransformer(backbone, task=task)
        model.compile(**task.compile_args())
        model.fit(
            task.train_data(8), steps_per_epoch=2, shuffle=False, verbose=0
        )
        assert 0 <= model.evaluate(task.test_data(20), verbose=0)[1] <= 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"variant": "code"}, "'paper', 'lra'.*'code'"),
        ({"min_length": 0}, "min_length=0"),
        ({"max_length": 501}, "min_length=500, max_length=501"),
        ({"max_depth": 1}, "at least 2.*max_depth=1"),
        ({"max_args": 1}, "at least 2.*max_args=1"),
        ({"num_train_examples": 0}, "num_train_examples=0"),
        ({"num_validation_examples": 1.5}, "num_validation_examples=1.5"),
        ({"num_test_examples": -1}, "num_test_examples=-1"),
        ({"num_tokens": 0}, "num_tokens=0"),
        ({"generator_seed": -1}, "generator_seed=-1"),
        ({"variant": "lra", "num_tokens": 1998}, "1999 .*num_tokens=1998"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        ListOps(**arguments)
    assert "\n" not in str(error.value)


def source(tree):
    """An expression as Long Range Arena writes it: one pair at a time."""
    if isinstance(tree, int):
        return str(tree)
    operator, *arguments = tree
    text = f"[{operator}"
    for argument in map(source, arguments):
        text = f"( {text} {argument} )"
    return f"( {text} ] )"


def write_release(folder, task, newline="\r\n"):
    """Writes a task's generated data as the three files of the release."""
    for split, name in listops_files.FILES.items():
        lines = ["Source\tTarget"]
        data = task.data(split)
        for row, length, value in zip(
            data.x, data.lengths, data.y, strict=True
        ):
            tree = tree_of([SYMBOLS[token] for token in row[:length][::-1]])
            lines.append(f"{source(tree)}\t{value}")
        text = newline.join([*lines, ""])
        (folder / name).write_bytes(text.encode())


ROW = "( ( ( [MAX 4 ) 3 ) ] )\t4"


class TestFiles:
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    @pytest.mark.parametrize("block", [1000, 2**24])
    def test_files_hold_what_was_written(
        self, newline, block, tmp_path, cache_dir, monkeypatch
    ):
        monkeypatch.setattr(listops_files, "_BLOCK", block)
        write_release(tmp_path, make("lra", cache_dir=cache_dir), newline)
        for variant in ("paper", "lra"):
            expected = make(variant, cache_dir=cache_dir)
            task = make(variant, data_dir=tmp_path)
            for split in SPLITS:
                data, other = task.data(split), expected.data(split)
                np.testing.assert_array_equal(data.x, other.x)
                np.testing.assert_array_equal(data.y, other.y)
                if variant == "lra":
                    np.testing.assert_array_equal(data.lengths, other.lengths)

    def test_a_row_by_hand(self, tmp_path):
        path = tmp_path / "basic_val.tsv"
        # A last line without its line end is whole nevertheless.
        path.write_text(f"Source\tTarget\n{ROW}\n[SM 7 8 ]\t5")
        read = listops_files.read(tmp_path, "validation")
        expected = ids("MAX 4 3 ] SM 7 8 ]".split())
        np.testing.assert_array_equal(read["tokens"], expected)
        assert read["lengths"].tolist() == [4, 4]
        assert read["values"].tolist() == [4, 5]

    @pytest.mark.parametrize(
        "row, message",
        [
            ("( ( ( [MAX 4 ) 3 ) ] )", "two columns.*Received 1"),
            ("( ( ( [MAX 4 ) 3", "two columns.*Received 1"),
            (f"{ROW}\t4", "two columns.*Received 3"),
            ("", "two columns"),
            ("[MAY 4 3 ]\t4", r"unknown symbol '\[MAY'"),
            ("[FIRST 4 3 ]\t4", r"unknown symbol '\[FIRST'"),
            ("[MAX 14 3 ]\t4", "unknown symbol '14'"),
            ("[MAX 4 3]\t4", r"unknown symbol '3\]'"),
            ("[MAX4 3 ]\t4", r"unknown symbol '\[MAX4'"),
            ("MAX 4 3 ]\t4", "unknown symbol 'MAX'"),
            ("[MAX 4 é ]\t4", "plain text"),
            ("[MAX 4 3 ]\t", "Target from 0 to 9.*''"),
            ("[MAX 4 3 ]\t14", "Target from 0 to 9.*'14'"),
            ("[MAX 4 3 ]\t-4", "Target from 0 to 9.*'-4'"),
            ("[MAX 4 3 ]\t4 4", "Target from 0 to 9.*'4 4'"),
            ("[MAX 4 3 ]\t]", "Target from 0 to 9"),
            ("[MAX 4 3 ]\t5", "value of Source is 4.*Target 5"),
            ("[MAX 4 3\t4", "do not balance"),
            ("[MAX 4 3 ] ]\t4", "do not balance"),
            ("[MAX 4 3 ] 4\t4", "do not balance"),
            ("[MAX 4 3 ] [MAX 4 3 ]\t4", "do not balance"),
            ("] [MAX 4 3\t4", "do not balance"),
            ("4 3\t4", "do not balance"),
            ("[MAX ]\t4", "no arguments"),
            ("( )\t4", "empty Source"),
        ],
    )
    @pytest.mark.parametrize("place", [2, 17, 20])
    def test_a_wrong_row_is_refused_by_its_line(
        self, row, message, place, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(listops_files, "_BLOCK", 200)  # several blocks
        lines = ["Source\tTarget", *[ROW] * 19]
        lines[place - 1] = row
        text = "\n".join(lines) + "\n"
        (tmp_path / "basic_val.tsv").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=message) as error:
            make(data_dir=tmp_path).data("validation")
        assert str(error.value).startswith(f"basic_val.tsv, line {place}: ")
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("text", ["", f"{ROW}\n", "Target\tSource\n"])
    def test_a_wrong_header_is_refused(self, text, tmp_path):
        (tmp_path / "basic_test.tsv").write_text(text)
        with pytest.raises(ValueError, match="basic_test.tsv, line 1: .*tab"):
            make(data_dir=tmp_path).data("test")

    def test_a_file_without_rows_is_refused(self, tmp_path):
        (tmp_path / "basic_test.tsv").write_text("Source\tTarget\n")
        with pytest.raises(ValueError, match="basic_test.tsv, line 2: .*none"):
            make(data_dir=tmp_path).data("test")

    def test_a_cut_file_is_refused(self, tmp_path):
        (tmp_path / "basic_test.tsv").write_text(f"Source\tTarget\n{ROW}\n")
        with pytest.raises(ValueError, match="test split.*40 .*Received 1"):
            make(data_dir=tmp_path).data("test")

    def test_a_missing_file_says_how_to_get_it(self, tmp_path):
        with pytest.raises(
            FileNotFoundError,
            match="basic_train.tsv.*lra_release.gz.*leave `data_dir` out",
        ) as error:
            make(data_dir=tmp_path).train_data(4)
        assert "\n" not in str(error.value)

    def test_rows_that_do_not_fit_are_refused(self, tmp_path, cache_dir):
        write_release(tmp_path, make("lra", cache_dir=cache_dir))
        task = make("lra", data_dir=tmp_path, max_length=30)
        with pytest.raises(ValueError, match="up to 5. .*num_tokens=30"):
            task.data("train")


FILL = """
import hashlib, pathlib, sys, time
from keras_fpt.tasks.listops import ListOps
folder, name, gate, count = *map(pathlib.Path, sys.argv[1:4]), sys.argv[4]
(gate / name).touch()
while len(list(gate.iterdir())) < 2:
    time.sleep(0.01)
task = ListOps(
    max_length=700,
    num_train_examples=int(count),
    num_validation_examples=10,
    num_test_examples=10,
    cache_dir=folder,
)
print(hashlib.sha256(task.data("train").x.tobytes()).hexdigest())
"""


class TestCache:
    def forbid(self, monkeypatch):
        def fail(*arguments):
            raise AssertionError("generated again")

        monkeypatch.setattr(listops, "generate", fail)

    def test_the_second_time_reads(self, tmp_path, monkeypatch):
        first = make(cache_dir=tmp_path)
        x = first.data("train").x
        self.forbid(monkeypatch)
        first.data("test")
        for variant in ("paper", "lra"):
            again = make(variant, cache_dir=tmp_path)
            assert len(again.data("test")) == 40
        again = make(cache_dir=tmp_path)
        np.testing.assert_array_equal(again.data("train").x, x)

    @pytest.mark.parametrize(
        "argument, value",
        [
            ("min_length", 21),
            ("max_length", 61),
            ("max_depth", 9),
            ("max_args", 9),
            ("num_train_examples", 201),
            ("generator_seed", 1),
        ],
    )
    def test_another_size_is_another_key(
        self, argument, value, tmp_path, monkeypatch
    ):
        make(cache_dir=tmp_path).data("test")
        self.forbid(monkeypatch)
        with pytest.raises(AssertionError, match="generated again"):
            make(cache_dir=tmp_path, **{argument: value}).data("test")

    def test_a_folder_that_cannot_be_written_warns_once(self, tmp_path):
        (tmp_path / "file").touch()
        task = make(cache_dir=tmp_path / "file" / "below")
        with pytest.warns(UserWarning, match="Cannot keep 'listops.*cache_dir"):
            x = task.data("train").x
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            task.data("test")  # drawn with the other splits
        np.testing.assert_array_equal(
            x, make(cache_dir=tmp_path / "other").data("train").x
        )

    def test_a_cut_file_is_made_anew(self, tmp_path):
        x = make(cache_dir=tmp_path).data("train").x
        (path,) = tmp_path.iterdir()
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.warns(UserWarning, match="damaged"):
            again = make(cache_dir=tmp_path).data("train").x
        np.testing.assert_array_equal(again, x)
        assert path.stat().st_size == len(whole)

    def test_two_processes_fill_it_at_once(self, tmp_path):
        cache, gate = tmp_path / "cache", tmp_path / "gate"
        gate.mkdir()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = [
                pool.submit(run_python, FILL, cache, name, gate, 300)
                for name in ("one", "other")
            ]
            one, other = [run.result() for run in runs]
        assert one == other
        (name,) = os.listdir(cache)
        assert name.endswith(".npz")
