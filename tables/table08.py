"""Table 8: larger models on CIFAR-10.

    python tables/table08.py --scale cpu

Section 3.7: does it grow with the model? `--list` shows the runs, and `--sweep`
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

ROWS = (
    fpt("FPT base (12 layers)"),
    random("Random base (12 layers)"),
    fpt("FPT medium (24 layers)", preset="gpt2_medium_en"),
    random("Random medium (24 layers)", preset="gpt2_medium_en"),
    fpt("FPT large (36 layers)", preset="gpt2_large_en"),
    random("Random large (36 layers)", preset="gpt2_large_en"),
)
TABLE = Table("8", "larger models on CIFAR-10", ROWS, ("cifar10",))

if __name__ == "__main__":
    main(TABLE)
