"""Table 5: a frozen random LSTM with what transformers have.

    python tables/table05.py --scale cpu

Section 3.3: do residual connections and positions help an LSTM? `--list` shows
the runs, and `--sweep` has each row choose its learning rate by validation
accuracy, as Rothermel et al. (2021) ask. A run at scale `cpu` takes one or two
minutes on a core, three seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from table import Table
from table import lstm

ROWS = (
    lstm("12-layer LSTM", num_layers=12, finetune="fpt"),
    lstm(
        "+ Residual Connections", num_layers=12, residual=True, finetune="fpt"
    ),
    lstm(
        "+ Positional Embeddings",
        num_layers=12,
        residual=True,
        positions=True,
        finetune="fpt",
    ),
)
TABLE = Table("5", "a frozen random LSTM with what transformers have", ROWS)

if __name__ == "__main__":
    main(TABLE)
