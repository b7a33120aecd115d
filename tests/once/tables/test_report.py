"""Tables: their rows are the published ones, their cells what was measured."""

import csv
import re

import pytest
import report
from helpers.processes import ROOT
from helpers.records import make_record
from published import RESULTS
from published import published
from scales import CPU
from scales import PAPER
from text import table_text

from keras_fpt.experiments import Records
from keras_fpt.experiments import figures
from keras_fpt.experiments import records

TABLES = {table.name: table for table in report.TABLES}
# Rows and tasks of Table 16, two seeds of one row and one of another.
GOLDEN = """\
| | CIFAR-10 |
|---|---|
| Pretrained, frozen LN | – / 61.5 |
| Pretrained, finetuned LN | 50.0 ± 10.0 (2) / 68.2 |
| Random, frozen LN | – / 55 |
| Random, finetuned LN | 30.0 (1) 1† / 61.7 |"""


def write(table, row, folder, task="cifar10", seed=0, rate=None, **changes):
    (row,) = (r for r in table.rows if r.name == row)
    experiment = table.experiment(row, task, CPU, seed, rate)
    records.write(make_record(experiment, **changes), folder)


def test_every_table_has_its_file():
    numbers = [str(number) for number in range(1, 22)]
    beyond = ["cnn", "xor", "lstm", "precision", "language"]
    assert list(TABLES) == [*numbers, "rothermel_1", *beyond]


def test_every_published_value_has_its_cell():
    cells = {
        (table.name, row.name, task, "ratio" if row.ratio else unit)
        for table in TABLES.values()
        for row in table.rows
        for task in table.tasks
        for unit in table.units
    }
    assert set(published()) <= cells, set(published()) - cells


def test_published_values_are_those_of_the_notes(shared):
    def rows(path):
        with path.open() as file:
            return [{**row, "source": None} for row in csv.DictReader(file)]

    own = rows(ROOT / "tables" / "published.csv")
    assert own == rows(shared / "paper" / "published.csv")


def test_sources_of_published_values():
    """Slides, notes, Rothermel et al., or an equal row that is on a slide."""
    equal = 0
    for (table, row, task, unit), value in published().items():
        if value.source == "slides":
            assert table in ("1", "2", "3", "6", "9", "12", "14", "18", "20")
        elif value.source not in ("notes", "Rothermel"):
            # As in "table 3: LSTM".
            other, name = re.fullmatch(
                "table (.+): (.+)", value.source
            ).groups()
            source = published()[other, name, task, unit]
            assert (source.source, source.value) == ("slides", value.value)
            assert (other, name) != (table, row)
            equal += 1
    assert equal == 54


@pytest.mark.parametrize("number", TABLES)
def test_every_row_has_a_model_or_says_why(number):
    table = TABLES[number]
    for row in table.rows:
        assert row.model or row.note or row.ratio, row.name
        for task in table.tasks:
            experiment = table.experiment(row, task, PAPER, 0)
            if row.model and task not in row.of_task:
                assert experiment is not None


def test_tables_share_their_runs():
    keys = {
        name: TABLES[number]
        .experiment(TABLES[number].rows[row], "mnist", CPU, 0)
        .key
        for name, number, row in (
            ("2 FPT", "2", 0),
            ("9 Pretrained", "9", 0),
            ("15 + positions", "15", 3),
            ("2 Random", "2", 1),
            ("3 Trans.", "3", 0),
        )
    }
    assert keys["2 FPT"] == keys["9 Pretrained"] == keys["15 + positions"]
    assert keys["2 Random"] == keys["3 Trans."] != keys["2 FPT"]


def test_golden(tmp_path):
    table = TABLES["16"]
    trained, frozen = "Pretrained, finetuned LN", "Random, finetuned LN"
    write(table, trained, tmp_path, seed=0, test_at_best=0.4)
    write(table, trained, tmp_path, seed=1, test_at_best=0.6)
    write(table, frozen, tmp_path, test_at_best=0.3, diverged=True)
    found = Records.read(tmp_path)
    assert table_text(table, CPU, found) == GOLDEN
    # No run of one scale stands in a table of another.
    paper = table_text(table, PAPER, found)
    assert not re.search(r"\(\d\)", paper)
    lines = list(csv.DictReader(report.csv_text(found).splitlines()))
    own = [line for line in lines if line["table"] == "16"]
    assert [float(line["mean"]) for line in own] == [50, 30]
    assert {line["scale"] for line in lines} == {"cpu"}


def test_runs_of_the_former_optimizer_are_marked():
    found = Records.read(RESULTS)
    text = table_text(TABLES["3"], CPU, found)
    assert "80.7 ± 0.1 (3)‡ / 75.8" in text
    # The paper's LSTM has a dropout inside; those runs had none.
    assert "| LSTM | – / 50.9 " in text
    text = table_text(TABLES["lstm"], CPU, found)
    assert "| LSTM, original | 70.7 ± 0.1 (3)‡ " in text


def history_of(converged, steps):
    """Evaluations of ten steps; none is near the best before `converged`."""
    return [
        {"step": step, "loss": 1.0, "training": 0.5, "validation": score}
        for step in range(10, steps + 1, 10)
        for score in [0.9 if step >= converged else 0.01 * step / steps]
    ]


@pytest.mark.parametrize(
    ("fpt", "random", "expected"),
    [
        (20, 50, ["20 (1)", "50 (1)", "2.5 (1)"]),
        # Near the best at the very end: not converged within 100 steps.
        (20, 100, ["20 (1)", "> 100 (1)", "> 5.0 (1)"]),
        (100, 50, ["> 100 (1)", "50 (1)", "< 0.5 (1)"]),
        (100, 100, ["> 100 (1)", "> 100 (1)", "–"]),
    ],
)
def test_steps_and_their_ratio(fpt, random, expected, tmp_path):
    table = TABLES["6"]
    for row, steps in (("FPT", fpt), ("Random", random)):
        history = history_of(steps, 100)
        write(table, row, tmp_path, "mnist", history=history)
    text = table_text(table, CPU, Records.read(tmp_path)).splitlines()
    cells = [line.split(" | ")[4] for line in text[2:]]
    known = ("5,000", "20,000", "4")
    assert cells == [
        f"{ours} / {theirs}"
        for ours, theirs in zip(expected, known, strict=True)
    ]


def test_a_sweep_chooses_by_validation(tmp_path):
    table = TABLES["rothermel_1"]
    for rate, validation, test in zip(
        CPU.sweep[-3:], (0.6, 0.8, 0.7), (0.9, 0.5, 0.95), strict=True
    ):
        history = [
            {"step": 9, "loss": 1.0, "training": 0.5, "validation": validation}
        ]
        write(
            *(table, "Frozen Random", tmp_path, "mnist", 0, rate),
            history=history,
            best_step=9,
            test_at_best=test,
        )
    text = table_text(table, CPU, Records.read(tmp_path))
    assert "50.0 (1) at 0.003 / 98" in text


def test_readme_is_fresh():
    found = Records.read(RESULTS)
    written = (ROOT / "tables" / "README.md").read_text()
    assert written == report.readme_text(found), "run `python tables/report.py`"
    own = (ROOT / "tables" / "report.csv").read_text()
    assert own == report.csv_text(found)


def test_figure(tmp_path):
    pytest.importorskip("matplotlib")
    write(TABLES["1"], "FPT", tmp_path, "mnist")
    found = Records.read(tmp_path)
    figures.draw_table(
        TABLES["1"], CPU, found, tmp_path / "bars.png", report.value, str
    )
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")


def test_curves(tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot")
    with pytest.raises(ValueError, match="no record of Table 9"):
        figures.draw_curves(
            TABLES["9"], CPU, Records({}), tmp_path / "a.png", str
        )
    for seed, second in ((0, 0.75), (1, 0.85)):
        looks = [
            {"step": step, "loss": 1.0, "training": 0.5, "validation": value}
            for step, value in ((10, 0.6), (20, second))
        ]
        write(
            *(TABLES["9"], "Statistics Only", tmp_path, "mnist", seed),
            history=looks,
        )
    found = Records.read(tmp_path)
    figures.draw_curves(TABLES["9"], CPU, found, tmp_path / "a.png", str)
    (axes,) = plt.gcf().axes
    (line,) = axes.lines
    assert line.get_label() == "Statistics Only"
    assert line.get_xydata().round(9).tolist() == [[10, 60], [20, 80]]
