"""Table 4: frozen random LSTMs of 12 and of 3 layers.

    python tables/table04.py --scale cpu

Section 3.3: does depth help an LSTM? `--list` shows the runs, and `--sweep` has
each row choose its learning rate by validation accuracy, as Rothermel et al.
(2021) ask. A run at scale `cpu` takes one or two minutes on a core, three seeds
of each cell by default.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from table import Table
from table import lstm

ROWS = (
    lstm("12", num_layers=12, finetune="fpt"),
    lstm("3", finetune="fpt"),
)
TABLE = Table("4", "frozen random LSTMs of 12 and of 3 layers", ROWS)

if __name__ == "__main__":
    main(TABLE)
