"""Sizes of the architectures, counted: Table 22."""

from helpers.processes import ROOT
from helpers.processes import run_here


def test_counts():
    """The counts that the paper prints, and those of its LSTM."""
    lines = run_here(ROOT / "tables" / "sizes.py")
    written = ROOT / "tables" / "results" / "sizes.md"
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
