"""Table 7: under- and overfitting on CIFAR-10 LRA.

    python tables/table07.py --scale cpu

Section 3.6: does it underfit? `--list` shows the runs, and `--sweep` has each
row choose its learning rate by validation accuracy, as Rothermel et al. (2021)
ask. A run at scale `cpu` takes one or two minutes on a core, three seeds of
each cell by default.

Published values: slides of a seminar that copy the paper's tables and notes
that transcribe them.
"""

from command import main
from table import Table
from table import fpt
from table import quoted

ROWS = (
    fpt("FPT"),
    quoted("Vanilla transformer", "quoted by the paper from Tay et al., 2020"),
    quoted("Linformer", "quoted by the paper from Tay et al., 2020"),
)
TABLE = Table(
    "7",
    "under- and overfitting on CIFAR-10 LRA",
    ROWS,
    ("cifar10_lra",),
    ("accuracy_percent", "train_accuracy_percent"),
)

if __name__ == "__main__":
    main(TABLE)
