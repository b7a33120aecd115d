"""Table 15: groups added one by one, pretrained.

    python tables/table15.py --scale cpu

Section 3.12: which parameters matter? `--list` shows the runs, and `--sweep`
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
    fpt("output only", finetune="output_only"),
    fpt("+ layernorm", finetune=("output", "layernorm")),
    fpt("+ input", finetune=("output", "layernorm", "input")),
    fpt("+ positions"),
)
TABLE = Table("15", "groups added one by one, pretrained", ROWS)

if __name__ == "__main__":
    main(TABLE)
