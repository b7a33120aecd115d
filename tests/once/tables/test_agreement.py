"""Differences of rows beside the published ones, and the first screen."""

import csv
import re
import tomllib

import pytest
import report
from agreement import comparisons
from helpers.processes import ROOT
from helpers.records import make_record
from overview import overview_text
from scales import CPU
from scales import PAPER

from keras_fpt.experiments import Records
from keras_fpt.experiments import records

TABLES = {table.name: table for table in report.TABLES}


def write(folder, table, row, task, scores, scale=CPU):
    """Runs of seed 0, 1, ... with these test scores."""
    (row,) = (each for each in TABLES[table].rows if each.name == row)
    for seed, score in enumerate(scores):
        experiment = TABLES[table].experiment(row, task, scale, seed)
        record = make_record(experiment, test_at_best=score)
        records.write(record, folder)


def compared(folder, table, sweep=False):
    found = Records.read(folder)
    return list(comparisons(TABLES[table], CPU, found, sweep))


@pytest.mark.parametrize(
    ("task", "random", "verdict"),
    [
        # The paper prints 98 and 91.7 on MNIST, 100 and 100 on Bit XOR.
        ("mnist", (0.5, 0.51, 0.49), "agrees"),
        ("mnist", (0.8, 0.81, 0.79), "opposite"),
        ("mnist", (0.5, 0.9, 0.6), "open"),
        ("mnist", (0.5,), "open"),
        ("bit_xor", (0.5, 0.51, 0.49), "here only"),
        ("bit_xor", (0.7, 0.72, 0.69), "in neither"),
    ],
)
def test_signs(task, random, verdict, tmp_path):
    write(tmp_path, "2", "FPT", task, (0.7, 0.71, 0.7))
    write(tmp_path, "2", "Random", task, random)
    (only,) = compared(tmp_path, "2")
    assert (only.row, only.other, only.task) == ("FPT", "Random", task)
    assert only.verdict == verdict
    assert only.difference.num_pairs == len(random)


def test_numbers_of_a_difference(tmp_path):
    write(tmp_path, "2", "FPT", "mnist", (0.7, 0.7))
    write(tmp_path, "2", "Random", "mnist", (0.5, 0.5))
    (only,) = compared(tmp_path, "2")
    assert only.numbers == "+20.0 [20.0, 20.0] (2) / +6.3"


def test_tables_of_added_groups_compare_neighbours(tmp_path):
    for row, score in (("output only", 0.3), ("+ input", 0.5)):
        write(tmp_path, "15", row, "mnist", (score,))
    assert not compared(tmp_path, "15")
    write(tmp_path, "15", "+ layernorm", "mnist", (0.4,))
    pairs = [(each.row, each.other) for each in compared(tmp_path, "15")]
    assert pairs == [("+ layernorm", "output only"), ("+ input", "+ layernorm")]


def test_swept_values_are_compared_with_swept_runs(tmp_path):
    for row in ("Frozen Random", "Frozen Pretrained"):
        write(tmp_path, "rothermel_1", row, "mnist", (0.5, 0.6))
    assert not compared(tmp_path, "rothermel_1")
    assert not compared(tmp_path, "rothermel_1", sweep=True)


def test_first_screen(tmp_path):
    write(tmp_path, "2", "FPT", "mnist", (0.7, 0.7))
    write(tmp_path, "2", "Random", "mnist", (0.5, 0.5))
    write(tmp_path, "2", "Random", "mnist", (0.9, 0.94), PAPER)
    found = Records.read(tmp_path)
    text = overview_text(report.TABLES, (PAPER, CPU), found)
    # Tables 8, 9 and 13 share these runs: each difference is said once.
    assert "two rows, 1 in all: agrees 1, opposite 0," in text
    assert "FPT − Random: **agrees** MNIST +20.0 [20.0, 20.0] (2)" in text
    assert "Random on MNIST: 92.0 [66.6, 100.0] (2) / 91.7" in text
    # Values of small trunks do not stand beside the paper's.
    assert "FPT on MNIST:" not in text
    assert "177 are tagged `slides`" in text and "\n54 name" in text


def test_numbers_of_remarks_are_reported():
    """Accuracies in a remark stand in the report or in the sources."""
    remarks = tomllib.loads((ROOT / "tables" / "remarks.toml").read_text())
    reported = (ROOT / "tables" / "report.csv").read_text()
    known = set()
    for line in csv.DictReader(reported.splitlines()):
        known |= {f"{float(line['mean']):.1f}", f"{line['published']}"}
    with (ROOT / "tables" / "published.csv").open() as file:
        for line in csv.DictReader(file):
            known |= {f"{float(line['value']):.1f}"}
            known |= set(re.findall(r"\d+\.\d", line["note"]))
    known |= {
        f"{float(line['error']):.1f}"
        for line in csv.DictReader(reported.splitlines())
        if line["error"]
    }
    # The rule of convergence, and the layer dropout.
    known |= {"0.5", "0.1"}
    for table, remark in remarks.items():
        assert table in TABLES
        numbers = re.findall(r"(?<![\d.])\d+\.\d(?!\d)", remark)
        assert set(numbers) <= known, (table, set(numbers) - known)
