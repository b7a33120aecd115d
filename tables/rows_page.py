"""Writes the page of rows: which line of code builds which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from published import HEADINGS

from keras_fpt.experiments import Row
from keras_fpt.experiments import Table

HEADING = """\
# Every row of the paper

Written by `python tables/report.py` from the rows in `tables/paper.py`; do not
edit it. Each line builds the model of its rows, with

```python
import keras_fpt
from keras_fpt import baselines

fpt = keras_fpt.FrozenPretrainedTransformer.from_preset
task = keras_fpt.tasks.get("bit_xor")
```

| tables and rows | model |
|---|---|
"""
ENDING = """\
| 22 | sizes of architectures; no models of its own |

`"fpt"` trains the input layer, output head, position embeddings and layer norms
(an LSTM has no positions unless `positions=True`). The preset `"bit"` is what
`examples/pretrain_on_bits.py` writes; set its `SHAPE` constant for GPT-2 base
size.
The paper does not say whether Table 16 trained positions beside frozen norms:
the line trains them. The LSTMs are those of the original's code: it draws their
first state again on each pass, drops a tenth of each hidden vector on its way
out and back, and initializes the layer norms so that deep LSTMs barely see
their input; Tables 3 to 5 therefore say little about depth. `baselines.lstm`
without these arguments is the fair comparison.
"""


def line_of(row: Row) -> str:
    """The code that builds a row's model, or why there is none."""
    if row.ratio is not None:
        return f"{row.ratio[0]} divided by {row.ratio[1]}"
    if row.model is None:
        return row.note
    arguments = dict(row.model_options)
    preset = arguments.pop("preset", None)
    written = ["task", *(f"{k}={_literal(v)}" for k, v in arguments.items())]
    if row.model_name == "fpt":
        call = f"fpt({_literal(preset)}, {', '.join(written)})"
    else:
        call = f"baselines.{row.model_name}({', '.join(written)})"
    return f"`{call}`"


def page(tables: Iterable[Table]) -> str:
    """The page: rows with the same line share it."""
    named: dict[str, list[str]] = {}
    for table in tables:
        number = table.name.replace("rothermel_", "Rothermel ")
        for row in table.rows:
            name = f"{number} {row.name}"
            named.setdefault(line_of(row), []).append(name)
            for task, other in row.of_task.items():
                if other is not None:
                    place = f"{name} on {HEADINGS[task]}"
                    named.setdefault(line_of(other), []).append(place)
    lines = [f"| {'; '.join(rows)} | {line} |" for line, rows in named.items()]
    return HEADING + "\n".join(lines) + "\n" + ENDING


def _literal(value: Any) -> str:
    """A value as Python writes it, with double quotes."""
    return repr(value).replace("'", '"')
