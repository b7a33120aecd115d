"""Table 10: the output layer alone.

    python tables/table10.py --scale cpu

Section 3.9: how much is in the features? `--list` shows the runs, and `--sweep`
has each row choose its learning rate by validation accuracy, as Rothermel et
al. (2021) ask. A run at scale `cpu` takes one or two minutes on a core, three
seeds of each cell by default.

Published values: notes that transcribe them.
"""

from command import main
from table import Table
from table import fpt

ROWS = (fpt("Output only", finetune="output_only"),)
TABLE = Table("10", "the output layer alone", ROWS, ("listops", "cifar10_lra"))

if __name__ == "__main__":
    main(TABLE)
