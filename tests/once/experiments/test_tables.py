"""The tables' own scripts: what they count, list and run."""

import re

import pytest
from helpers.processes import ROOT
from helpers.processes import run_here


def test_table22():
    """The counts that the paper prints, and those of its LSTM."""
    lines = run_here(ROOT / "tables" / "table22.py")
    written = ROOT / "tables" / "results" / "table22.md"
    assert written.read_text().splitlines() == lines
    rows = {
        line.split(" | ")[0].removeprefix("| "): line.strip("| ").split(" | ")
        for line in lines[2:]
    }
    paper = {name: cells[-1] for name, cells in rows.items()}
    assert paper["GPT-2 base"] == "106,752"
    assert paper["GPT-2 medium"] == "191,488"
    assert paper["GPT-2 large"] == "300,800"
    assert paper["GPT-2 XL"] == "452,800"
    # With tokens of 48 numbers it is 86,794, as the original counts.
    assert rows["LSTM, frozen"][5] == f"{86_794 - 32 * 768:,}"
    assert rows["CNN"][4] == "122,570"


@pytest.mark.parametrize("name", ["table01", "rothermel01", "xor_length"])
def test_a_table_lists_its_runs(name, tmp_path):
    script = ROOT / "tables" / f"{name}.py"
    lines = run_here(script, "--list", "--results", tmp_path, "--seeds", "1")
    keys = [line.split()[0] for line in lines]
    runs = [key for key in keys if key != "-"]
    assert runs and all(re.fullmatch("[0-9a-f]{16}", key) for key in runs)
    assert len(set(runs)) == len(runs)


def test_a_table_runs_what_is_missing_and_no_more(tmp_path, capsys):
    """Under a cap: all of the way, and no result."""
    arguments = ("--rows", "FPT", "--tasks", "bit_xor", "--seeds", "1")
    script = ROOT / "tables" / "table02.py"
    with pytest.raises(SystemExit, match="2"):
        run_here(script, *arguments, "--rows", "Fpt")
    assert "no row is named" in capsys.readouterr().err
    lines = run_here(script, *arguments, "--results", tmp_path, caps=(None, 1))
    assert "no result" in lines[1]
    assert any(re.match("  step 1000: loss", line) for line in lines)
    assert lines[-4].startswith("| FPT | – / 100 | – / 100 |")
    assert not list(tmp_path.glob("*.json"))
