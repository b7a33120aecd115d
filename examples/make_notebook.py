"""Makes a notebook of a tutorial script, beside it.

python examples/make_notebook.py examples/attention_maps.py

Text cells of the script become markdown, what lies between them code. The same
script gives the same file; outputs are for Jupyter to add.
"""

import ast
import json
import pathlib
import sys


def cut(script):
    """Cuts a script into `("text" or "code", content)`, in its order."""
    lines = script.split("\n")
    parts, done = [], 0
    for statement in ast.parse(script).body:
        value = getattr(statement, "value", None)
        # A string that is a statement of its own is text.
        if isinstance(statement, ast.Expr) and isinstance(value, ast.Constant):
            parts.append(
                ("code", "\n".join(lines[done : statement.lineno - 1]))
            )
            parts.append(("text", value.value))
            done = statement.end_lineno
    parts.append(("code", "\n".join(lines[done:])))
    return [(kind, part.strip()) for kind, part in parts if part.strip()]


def title_cell(header):
    """Turns the fields of a header, one a line, into markdown."""
    if not header.startswith("Title: "):
        raise ValueError(
            "Expected a tutorial, which begins with a text whose first line is "
            f"`Title: ...`. Received a script that begins with: {header[:60]!r}"
        )
    fields = dict(line.split(": ", 1) for line in header.splitlines())
    title = fields.pop("Title")
    shown = [f"**{name}:** {value}" for name, value in fields.items()]
    return f"# {title}\n\n" + "<br>\n".join(shown)


def notebook(script):
    """Makes the notebook's file, laid out as Jupyter saves it."""
    (_, header), *parts = cut(script)
    cells = []
    for kind, source in [("text", title_cell(header)), *parts]:
        cell = {
            "cell_type": "markdown",
            "id": f"cell-{len(cells)}",
            "metadata": {},
            "source": source.splitlines(keepends=True),
        }
        if kind == "code":
            cell |= {"cell_type": kind, "execution_count": None, "outputs": []}
        cells.append(cell)
    kernel = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": kernel,
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    file = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    return file + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = pathlib.Path(sys.argv[1])
    file = notebook(path.read_text(encoding="utf-8"))
    path.with_suffix(".ipynb").write_text(file, encoding="utf-8")
