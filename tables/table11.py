"""Table 11: depth, output and layer norms trained, on ListOps.

    python tables/table11.py --scale cpu

Section 3.10: how many layers does it take? `--list` shows the runs, and
`--sweep` has each row choose its learning rate by validation accuracy, as
Rothermel et al. (2021) ask. A run at scale `cpu` takes one or two minutes on a
core, three seeds of each cell by default.

Published values: notes that transcribe them.
"""

from command import main
from table import Table
from table import fpt

ROWS = tuple(
    fpt(
        f"{layers} {'layer' if layers == 1 else 'layers'}, {values}",
        num_layers=layers,
        finetune=("output", "layernorm"),
        initialization=values,
    )
    for layers in (1, 2, 6)
    for values in ("pretrained", "random")
)
TABLE = Table(
    "11",
    "depth, output and layer norms trained, on ListOps",
    ROWS,
    ("listops",),
)

if __name__ == "__main__":
    main(TABLE)
