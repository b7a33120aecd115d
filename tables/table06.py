"""Table 6: training steps to convergence.

    python tables/table06.py --scale cpu

Section 3.4: does pretraining make training faster? `--list` shows the runs, and
`--sweep` has each row choose its learning rate by validation accuracy, as
Rothermel et al. (2021) ask. A run at scale `cpu` takes one or two minutes on a
core, three seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from table import Row
from table import Table
from table import fpt
from table import random

ROWS = (
    fpt("FPT"),
    random("Random"),
    Row("Speedup", None, ratio=("Random", "FPT")),
)
TABLE = Table(
    "6", "training steps to convergence", ROWS, units=("gradient_steps",)
)

if __name__ == "__main__":
    main(TABLE)
