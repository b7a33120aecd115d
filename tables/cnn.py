"""A small CNN beside frozen pretrained transformers, on CIFAR-10.

    python tables/cnn.py --scale cpu

A CNN of 122,570 parameters, all trained, sees whole images; the frozen
pretrained transformer trains 106,752 by the paper's count at 12 layers, and
300,800 at 36 (`finetune_summary` gives both counts). The paper's 72.1 % on
CIFAR-10 are those of 36 layers; 12 layers have 68.2 %. `--list` and `--sweep`
are as in every table.

Published values: those of Tables 1 and 2. The CNN has none.
"""

from command import main
from experiment import options
from table import Row
from table import Table

ROWS = (
    Row("CNN", "cnn", task_options=options(whole_images=True)),
    Row("FPT, 12 layers", "fpt", same_as=("2", "FPT")),
    Row(
        "FPT, 36 layers",
        "fpt",
        options(preset="gpt2_large_en"),
        same_as=("1", "FPT"),
    ),
)
TABLE = Table("cnn", "a small CNN and FPT", ROWS, ("cifar10",))

if __name__ == "__main__":
    main(TABLE)
