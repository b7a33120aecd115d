"""Table 19: groups added one by one, pretrained (as Table 15).

    python tables/table19.py --scale cpu

Appendix: which parameters matter? `--list` shows the runs, and `--sweep` has
each row choose its learning rate by validation accuracy, as Rothermel et al.
(2021) ask. A run at scale `cpu` takes one or two minutes on a core, three seeds
of each cell by default.

No published value is at hand by this number; where its rows are those of
another table, that table has them.
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
TABLE = Table("19", "groups added one by one, pretrained (as Table 15)", ROWS)

if __name__ == "__main__":
    main(TABLE)
