"""Table 21: groups added one by one, random.

    python tables/table21.py --scale cpu

Appendix: which parameters matter, frozen at random? `--list` shows the runs,
and `--sweep` has each row choose its learning rate by validation accuracy, as
Rothermel et al. (2021) ask. A run at scale `cpu` takes one or two minutes on a
core, three seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables and notes
that transcribe them.
"""

from command import main
from table import Table
from table import random

ROWS = (
    random("output only", finetune="output_only"),
    random("+ layernorm", finetune=("output", "layernorm")),
    random("+ input", finetune=("output", "layernorm", "input")),
    random("+ positions"),
)
TABLE = Table("21", "groups added one by one, random", ROWS)

if __name__ == "__main__":
    main(TABLE)
