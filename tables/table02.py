"""Table 2: what the trunk was pretrained on.

    python tables/table02.py --scale cpu

Section 3.2: does it matter that it was language? `--list` shows the runs, and
`--sweep` has each row choose its learning rate by validation accuracy, as
Rothermel et al. (2021) ask. A run at scale `cpu` takes one or two minutes on a
core, three seeds of each cell by default.

Bit is the folder that `examples/pretrain_on_bits.py` writes: `--preset
bit=FOLDER`. At scale `cpu`, ViT is a DeiT-tiny, `--preset
deit_tiny_imagenet=FOLDER`: a folder or a `hf://` address.

Published values: slides of a seminar that copy the paper's tables.
"""

from command import main
from table import Table
from table import fpt
from table import random

ROWS = (
    fpt("FPT"),
    random("Random"),
    fpt("Bit", preset="bit"),
    fpt("ViT", preset="vit_base_patch16_224_imagenet21k"),
)
TABLE = Table("2", "what the trunk was pretrained on", ROWS)

if __name__ == "__main__":
    main(TABLE)
