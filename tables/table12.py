"""Table 12: depth, the output layer trained, on ListOps.

    python tables/table12.py --scale cpu

Section 3.10: how many layers mix tokens well? `--list` shows the runs, and
`--sweep` has each row choose its learning rate by validation accuracy, as
Rothermel et al. (2021) ask. A run at scale `cpu` takes one or two minutes on a
core, three seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from table import Table
from table import fpt
from table import random

ROWS = (
    *(
        fpt(
            f"{layers} layers, pretrained",
            num_layers=layers,
            finetune="output_only",
        )
        for layers in (1, 3, 6)
    ),
    fpt("12 layers, pretrained", finetune="output_only"),
    random("12 layers, random", finetune="output_only"),
    random(
        "24 layers, random", preset="gpt2_medium_en", finetune="output_only"
    ),
)
TABLE = Table(
    "12", "depth, the output layer trained, on ListOps", ROWS, ("listops",)
)

if __name__ == "__main__":
    main(TABLE)
