"""Table 3: frozen random transformer and frozen random LSTM.

    python tables/table03.py --scale cpu

Section 3.3: is it the architecture? `--list` shows the runs, and `--sweep` has
each row choose its learning rate by validation accuracy, as Rothermel et al.
(2021) ask. A run at scale `cpu` takes one or two minutes on a core, three seeds
of each cell by default.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from table import Table
from table import lstm
from table import random

ROWS = (
    random("Trans."),
    lstm("LSTM", finetune="fpt"),
    lstm("LSTM*", num_layers=12, residual=True, positions=True, finetune="fpt"),
)
TABLE = Table("3", "frozen random transformer and frozen random LSTM", ROWS)

if __name__ == "__main__":
    main(TABLE)
