"""Table 17: other pretrained transformers.

    python tables/table17.py --scale cpu

Section 3.14: is it GPT-2 alone? `--list` shows the runs, and `--sweep` has each
row choose its learning rate by validation accuracy, as Rothermel et al. (2021)
ask. A run at scale `cpu` takes one or two minutes on a core, three seeds of
each cell by default.

At scale `cpu`, BERT is all-MiniLM-L6-v2, a BERT of 6 layers: `--preset
minilm_l6_en=FOLDER`, a folder or a `hf://` address.

Published values: slides of a seminar that copy the paper's tables and notes
that transcribe them.
"""

from command import main
from table import Table
from table import fpt
from table import quoted

ROWS = (
    fpt("GPT-2"),
    fpt("BERT", preset="bert_base_en_uncased"),
    fpt("T5 encoder", preset="t5_base_multi"),
    quoted("Longformer", "keras-nlp has no such backbone"),
)
TABLE = Table(
    "17", "other pretrained transformers", ROWS, ("cifar10", "listops")
)

if __name__ == "__main__":
    main(TABLE)
