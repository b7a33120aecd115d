"""The example of attention maps, as a script and as a notebook."""

import importlib.util
import json
import re
import sys

import keras
import numpy as np
import pytest
from helpers.processes import CAPS
from helpers.processes import ROOT
from helpers.processes import run_script
from helpers.processes import with_settings

import keras_fpt

EXAMPLES = ROOT / "examples"
SCRIPT = EXAMPLES / "attention_maps.py"
NOTEBOOK = SCRIPT.with_suffix(".ipynb")
PICTURES = {"bit_xor.png", "bit_memory.png", "all_heads.png"}


def load_make_notebook():
    spec = importlib.util.spec_from_file_location(
        "make_notebook", EXAMPLES / "make_notebook.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_notebook = load_make_notebook()


def xor_share(maps):
    """Attention of the tokens 5 to 9 to the two bits that they combine."""
    return np.mean([maps[..., 5 + i, [i, 5 + i]].sum(-1) for i in range(5)])


def memory_share(maps, x):
    """Attention of the last token to the string that agrees with it."""
    right = [
        [np.array_equal(s[query != 0], query[query != 0]) for s in strings]
        for *strings, query in x
    ]
    assert np.sum(right) == len(x)
    return maps[..., -1, :-1].mean(axis=1)[right].mean()


def check_lines(lines, preset):
    """What was printed is in range, and is what the maps of a model say."""
    last = re.fullmatch(
        r"bit xor, attention to both operands: (0\.\d{3}) \(uniform: 0\.258\)",
        lines[-1],
    )
    best = re.fullmatch(
        r"bit memory, block [01], head [01], attention to the right string: "
        r"(0\.\d{3}) \(a wrong one: (0\.\d{3})\)",
        lines[-2],
    )
    assert 0 < float(best[1]) + 4 * float(best[2]) < 1.01
    rows = [
        line.split()[-3:]
        for line in lines
        if line.startswith("untrained, block 0, mean of heads")
    ]
    (*_, both), (right, *_) = rows
    # Two steps change little.
    assert float(last[1]) == pytest.approx(float(both), abs=0.02)
    for task, share, printed in (
        (keras_fpt.tasks.get("bit_xor"), lambda maps, x: xor_share(maps), both),
        (keras_fpt.tasks.BitMemory(50, 5, 50), memory_share, right),
    ):
        keras.utils.set_random_seed(0)
        model = keras_fpt.FrozenPretrainedTransformer.from_preset(
            preset, task=task
        )
        x, _ = task.validation_examples()
        maps = keras_fpt.attention_maps(model, x, layer=0)
        assert float(printed) == pytest.approx(share(maps, x), abs=6e-4)


def test_script(tiny_preset, tmp_path):
    pytest.importorskip("matplotlib")
    lines = run_script(SCRIPT, settings={"PRESET": tiny_preset}, cwd=tmp_path)
    check_lines(lines, tiny_preset)
    results = tmp_path / "results" / "attention_maps"
    assert {path.name for path in results.iterdir()} == PICTURES
    for path in results.iterdir():
        picture = path.read_bytes()
        assert picture.startswith(b"\x89PNG") and len(picture) > 5_000


def test_notebook_is_the_script():
    made = make_notebook.notebook(SCRIPT.read_text(encoding="utf-8"))
    assert NOTEBOOK.read_bytes() == made.encode(), (
        "run: python examples/make_notebook.py examples/attention_maps.py"
    )
    cells = json.loads(made)["cells"]
    assert (
        cells[0]["source"][0] == "# What a frozen language model attends to\n"
    )
    assert all(not cell.get("outputs") for cell in cells)


def test_notebook_runs(tiny_preset, tmp_path, monkeypatch):
    """As Jupyter runs it: in this interpreter, pictures among the cells."""
    for name in ("matplotlib", "ipykernel"):
        pytest.importorskip(name)
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    kernel = {
        "argv": [
            sys.executable,
            *("-m", "ipykernel_launcher", "-f", "{connection_file}"),
        ],
        "display_name": "this interpreter",
        "language": "python",
        "env": {
            **CAPS,
            "KERAS_BACKEND": keras.backend.backend(),
            "PYTHONPATH": str(ROOT),
        },
    }
    folder = tmp_path / "jupyter" / "kernels" / "this_interpreter"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(kernel))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    # What Jupyter and IPython write goes here too, not to the user's home.
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    # The tests ask for pictures in files; a notebook's kernel shows them.
    monkeypatch.delenv("MPLBACKEND", raising=False)

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    (cell,) = (c for c in notebook.cells if "\nPRESET = " in f"\n{c.source}")
    cell.source = with_settings(cell.source, PRESET=tiny_preset)
    nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="this_interpreter",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()

    outputs = [cell.get("outputs", []) for cell in notebook.cells]
    with_picture = sum(
        any("image/png" in output.get("data", {}) for output in cell)
        for cell in outputs
    )
    assert with_picture == len(PICTURES)
    printed = "".join(
        output.text
        for cell in outputs
        for output in cell
        if output.get("name") == "stdout"
    )
    check_lines(printed.strip().splitlines(), tiny_preset)


TUTORIALS = sorted(
    path
    for path in EXAMPLES.glob("*.py")
    if path.read_text(encoding="utf-8").startswith('"""\nTitle: ')
)


def test_examples_are_tutorials():
    others = set(EXAMPLES.glob("*.py")) - set(TUTORIALS)
    assert {path.name for path in others} == {"make_notebook.py"}


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_notebook_keeps_all_of_its_script(path):
    script = path.read_text(encoding="utf-8")
    cells = json.loads(make_notebook.notebook(script))["cells"]
    first, *found = [
        (cell["cell_type"], "".join(cell["source"])) for cell in cells
    ]
    # Lines of quotes alone part code from text, in turn.
    pieces = re.split(r'^"""\n', script, flags=re.MULTILINE)
    _, header, *pieces = [piece.strip() for piece in pieces]
    expected = [
        ("markdown" if number % 2 else "code", piece)
        for number, piece in enumerate(pieces)
        if piece
    ]
    assert found == expected
    for line in header.splitlines():
        name, value = line.split(": ", 1)
        shown = f"# {value}" if name == "Title" else f"**{name}:** {value}"
        assert shown in first[1]
    identifiers = [cell["id"] for cell in cells]
    assert len(set(identifiers)) == len(cells)


def test_a_script_without_header_is_refused():
    with pytest.raises(ValueError, match="Title: .*begins with: 'x = 1'"):
        make_notebook.notebook("x = 1\n")
