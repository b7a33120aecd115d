"""Table 13: more parameters trained.

    python tables/table13.py --scale cpu

Section 3.11: does it help to train more? `--list` shows the runs, and `--sweep`
has each row choose its learning rate by validation accuracy, as Rothermel et
al. (2021) ask. A run at scale `cpu` takes one or two minutes on a core, three
seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables and notes
that transcribe them.
"""

from command import main
from table import Table
from table import fpt

ROWS = (
    fpt("FPT"),
    fpt("+ Feedforward", finetune=("fpt", "feed_forward")),
    fpt("+ Attention", finetune=("fpt", "attention")),
    fpt("+ Both", finetune=("fpt", "feed_forward", "attention")),
)
TABLE = Table("13", "more parameters trained", ROWS)

if __name__ == "__main__":
    main(TABLE)
