"""Table 18: each group beside the output, pretrained.

    python tables/table18.py --scale cpu

Appendix: which parameters matter by themselves? `--list` shows the runs, and
`--sweep` has each row choose its learning rate by validation accuracy, as
Rothermel et al. (2021) ask. A run at scale `cpu` takes one or two minutes on a
core, three seeds of each cell by default.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from table import Table
from table import fpt

ROWS = (
    fpt("output only", finetune="output_only"),
    fpt("output + input", finetune=("output", "input")),
    fpt("output + positions", finetune=("output", "positions")),
    fpt("output + layernorm", finetune=("output", "layernorm")),
)
TABLE = Table("18", "each group beside the output, pretrained", ROWS)

if __name__ == "__main__":
    main(TABLE)
