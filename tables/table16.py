"""Table 16: layer norms frozen or trained, on CIFAR-10.

    python tables/table16.py --scale cpu

Section 3.13: must the norms be trained? `--list` shows the runs, and `--sweep`
has each row choose its learning rate by validation accuracy, as Rothermel et
al. (2021) ask. A run at scale `cpu` takes one or two minutes on a core, three
seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables and notes
that transcribe them.
"""

from command import main
from table import Table
from table import fpt
from table import random

# Whether positions were trained beside frozen norms is not settled: they are.
FROZEN_NORMS = ("output", "input", "positions")
ROWS = (
    fpt("Pretrained, frozen LN", finetune=FROZEN_NORMS),
    fpt("Pretrained, finetuned LN"),
    random("Random, frozen LN", finetune=FROZEN_NORMS),
    random("Random, finetuned LN"),
)
TABLE = Table(
    "16", "layer norms frozen or trained, on CIFAR-10", ROWS, ("cifar10",)
)

if __name__ == "__main__":
    main(TABLE)
