"""Table 9: statistics of the pretrained values.

    python tables/table09.py --scale cpu

Section 3.8: is it the scale of the weights alone? `--list` shows the runs, and
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
    fpt("Pretrained"),
    fpt("Statistics Only", initialization="statistics"),
    random("Default"),
)
TABLE = Table("9", "statistics of the pretrained values", ROWS)

if __name__ == "__main__":
    main(TABLE)
