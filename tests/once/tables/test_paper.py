"""The paper's tables as scripts: what they list and run."""

import re

import pytest
from helpers.processes import ROOT
from helpers.processes import run_here


@pytest.mark.parametrize(
    "command", [("paper", "1"), ("paper", "--all"), ("beyond", "xor")]
)
def test_tables_list_their_runs(command, tmp_path):
    name, *tables = command
    script = ROOT / "tables" / f"{name}.py"
    arguments = ("--list", "--results", tmp_path, "--seeds", "1")
    lines = run_here(script, *tables, *arguments)
    keys = [line.split()[0] for line in lines]
    runs = [key for key in keys if key != "-"]
    assert runs and all(re.fullmatch("[0-9a-f]{16}", key) for key in runs)


def test_a_list_of_tables_wants_to_know_which(capsys):
    with pytest.raises(SystemExit, match="2"):
        run_here(ROOT / "tables" / "paper.py", "--list")
    assert "name tables, or --all" in capsys.readouterr().err


def test_a_table_runs_what_is_missing_and_no_more(tmp_path, capsys):
    """Under a cap: all of the way, and no result."""
    arguments = ("2", "--rows", "FPT", "--tasks", "bit_xor", "--seeds", "1")
    script = ROOT / "tables" / "paper.py"
    with pytest.raises(SystemExit, match="2"):
        run_here(script, *arguments, "--rows", "Fpt")
    assert "no row is named" in capsys.readouterr().err
    lines = run_here(script, *arguments, "--results", tmp_path, caps=(None, 1))
    assert "no result" in lines[1]
    assert any(re.match("  step 1000: loss", line) for line in lines)
    assert lines[-4].startswith("| FPT | – / 100 | – / 100 |")
    assert not list(tmp_path.glob("*.json"))
