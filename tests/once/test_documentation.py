"""Runs the code of README, docs and docstrings; checks links and names."""

import ast
import re

import pytest
from helpers.processes import BLOCK
from helpers.processes import PRELUDE
from helpers.processes import ROOT
from helpers.processes import run_code

README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
# What docs/ only links to is tested where it lives.
PAGES = sorted(
    page
    for page in (*DOCS.glob("*.md"), *DOCS.glob("[!pt]*/*.md"))
    if not page.is_symlink()
)
PACKAGES = sorted((ROOT / "keras_fpt").rglob("__init__.py"))


def shorter(code):
    """A comparison with one seed, one rate and two steps."""
    for long, short in (
        ("seeds=5", "seeds=1"),
        ("steps=200,\n)", "steps=2,\n)"),
        ("learning_rates=(1e-3, 3e-3)", "learning_rates=(1e-3,)"),
    ):
        code = code.replace(f"    {long}", f"    {short}")
    return code


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


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if BLOCK.search(page.read_text())],
    ids=lambda page: page.stem,
)
def test_code_of_the_pages_runs(page, tmp_path):
    run_code(shorter("\n".join(BLOCK.findall(page.read_text()))), cwd=tmp_path)


def public_names():
    """Names of every `__all__`, and the packages that have one."""
    for path in PACKAGES:
        package = ".".join(path.parent.relative_to(ROOT).parts)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
                names = ast.literal_eval(node.value)
                yield package, {f"{package}.{name}" for name in names}


def test_api_pages_document_every_public_name():
    public = dict(public_names())
    assert {"keras_fpt", "keras_fpt.tasks"} <= set(public)
    expected = set().union(*public.values()) - set(public)
    pages = "\n".join(p.read_text() for p in DOCS.glob("reference/*.md"))
    documented = re.findall(r"^::: (\S+)$", pages, re.M)
    assert sorted(documented) == sorted(expected)


def test_every_page_is_in_the_navigation():
    _, navigation = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")
    listed = re.findall(r"([\w/]+\.md)$", navigation, re.M)
    assert len(set(listed)) == len(listed)
    assert {str(page.relative_to(DOCS)) for page in PAGES} <= set(listed)
    for name in listed:
        assert (DOCS / name).is_file(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_the_pages_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not link.startswith("https://"):
            assert (page.parent / link).exists(), link


def test_readme_code_runs(tmp_path):
    comparison, training = BLOCK.findall(README)
    # It runs there.
    assert comparison in (DOCS / "does_it_help.md").read_text()
    run_code(PRELUDE + training, cwd=tmp_path)


def test_readme_is_short():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_readme_heading_holds_one_command_line(heading):
    section = re.search(rf"^## {heading}\n(.*?)^## ", README, re.M | re.S)[1]
    (command,) = re.findall(r"^```\n(.*?)^```", section, re.M | re.S)
    assert len(command.splitlines()) == 1
    for name in re.findall(r"(?:examples|tests)/\w+\.py", command):
        assert (ROOT / name).is_file()


def test_readme_files_are_there():
    names = re.findall(r"\]\(([\w/.]+)(?:#[\w-]+)?\)", README)
    assert names
    for name in names:
        assert (ROOT / name).is_file(), name
