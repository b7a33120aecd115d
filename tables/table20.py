"""Table 20: each group beside the output, random.

    python tables/table20.py --scale cpu

Appendix: which parameters matter by themselves, frozen at random? `--list`
shows the runs, and `--sweep` has each row choose its learning rate by
validation accuracy, as Rothermel et al. (2021) ask. A run at scale `cpu` takes
one or two minutes on a core, three seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from table import Table
from table import random

ROWS = (
    random("output only", finetune="output_only"),
    random("output + input", finetune=("output", "input")),
    random("output + positions", finetune=("output", "positions")),
    random("output + layernorm", finetune=("output", "layernorm")),
)
TABLE = Table("20", "each group beside the output, random", ROWS)

if __name__ == "__main__":
    main(TABLE)
