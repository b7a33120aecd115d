"""What the README and the docstrings show, runs."""

import ast
import re

import pytest
from helpers.processes import BLOCK
from helpers.processes import PRELUDE
from helpers.processes import ROOT
from helpers.processes import run_code

README = (ROOT / "README.md").read_text()
PAGES = sorted((ROOT / "docs").glob("*.md"))


def docstring_examples():
    for path in sorted((ROOT / "keras_fpt").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                documentation = ast.get_docstring(node) or ""
                if node.name == "Replicas":
                    continue  # test_replicas runs it, on JAX
                for code in BLOCK.findall(documentation):
                    yield pytest.param(code, id=node.name)


@pytest.mark.parametrize("code", list(docstring_examples()))
def test_docstring_example_runs(code, tmp_path):
    run_code(PRELUDE + code, cwd=tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_of_the_pages_runs(page, tmp_path):
    blocks = BLOCK.findall(page.read_text())
    assert blocks
    run_code("\n".join(blocks), cwd=tmp_path)


def test_readme_code_runs(tmp_path):
    blocks = BLOCK.findall(README)
    assert len(blocks) == 3
    run_code("\n".join(blocks), cwd=tmp_path)


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_readme_heading_holds_one_command_line(heading):
    section = re.search(rf"^## {heading}\n(.*?)^## ", README, re.M | re.S)[1]
    (command,) = re.findall(r"^```\n(.*?)^```", section, re.M | re.S)
    assert len(command.splitlines()) == 1
    for name in re.findall(r"(?:examples|tests)/\w+\.py", command):
        assert (ROOT / name).is_file()


def test_readme_files_are_there():
    names = re.findall(r"\]\(([\w/.]+)\)", README)
    assert names
    for name in names:
        assert (ROOT / name).is_file(), name
