"""Table 14: more parameters trained on CIFAR-10.

    python tables/table14.py --scale cpu

Section 3.11: does it help to train more, but not all? `--list` shows the runs,
and `--sweep` has each row choose its learning rate by validation accuracy, as
Rothermel et al. (2021) ask. A run at scale `cpu` takes one or two minutes on a
core, three seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from table import Table
from table import fpt

ROWS = (
    fpt("Base (FPT)"),
    fpt("+ Finetuning All FF Layers", finetune=("fpt", "feed_forward")),
    fpt(
        "+ Finetuning Last Attn Layer",
        finetune=("fpt", "feed_forward", "attention[-1]"),
    ),
)
TABLE = Table("14", "more parameters trained on CIFAR-10", ROWS, ("cifar10",))

if __name__ == "__main__":
    main(TABLE)
