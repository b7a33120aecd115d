"""Table 1: frozen pretrained, fully trained, LSTM.

    python tables/table01.py --scale cpu

Section 3.1: is a frozen transformer of language as good as one trained on the
task? `--list` shows the runs, and `--sweep` has each row choose its learning
rate by validation accuracy, as Rothermel et al. (2021) ask. A run at scale
`cpu` takes one or two minutes on a core, three seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from experiment import options
from table import Row
from table import Table
from table import fpt
from table import lstm

ROWS = (
    # CIFAR-10 is of the model of 36 layers (appendix D.1).
    fpt("FPT", {"cifar10": fpt(preset="gpt2_large_en")}),
    Row(
        "Full",
        "transformer",
        of_task={
            "cifar10": Row("Full", "transformer", options(num_layers=3)),
            "mnist": None,
            "listops": None,
            "cifar10_lra": None,
            "remote_homology": None,
        },
        note="on MNIST not described; on ListOps, CIFAR-10 LRA and Remote "
        "Homology quoted by the paper from elsewhere",
    ),
    lstm("LSTM"),
)
TABLE = Table("1", "frozen pretrained, fully trained, LSTM", ROWS)

if __name__ == "__main__":
    main(TABLE)
