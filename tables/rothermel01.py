"""Table 1 of Rothermel et al., 2021: frozen and unfrozen, rates swept.

    python tables/rothermel01.py --scale cpu

Is a frozen trunk as good as one that is trained whole, if each may choose its
learning rate? Every row runs with nine rates from 1e-6 to 1e-2 and keeps the
one with the best validation accuracy: 27 runs a cell with three seeds, of one
or two minutes on a core at scale `cpu`.

Published values: Rothermel et al., 2021 (arXiv 2107.12460), as notes that
transcribe it have them.
"""

from command import main
from table import Table
from table import fpt
from table import random

ROWS = (
    random("Frozen Random"),
    fpt("Frozen Pretrained"),
    random("Unfrozen Random", finetune="full"),
    fpt("Unfrozen Pretrained", finetune="full"),
)
TABLE = Table(
    "rothermel_1",
    "frozen and unfrozen, learning rates swept",
    ROWS,
    ("listops", "mnist", "cifar10", "cifar10_lra"),
    sweep=True,
)

if __name__ == "__main__":
    main(TABLE)
