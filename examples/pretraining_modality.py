"""
Title: What a trunk was pretrained on
Author: The keras_fpt authors
Date created: 2026/11/25
Last modified: 2026/11/27
Description: Frozen trunks of language, images and bits beside random twins.
Accelerator: None
"""

"""
## Introduction

Does it matter what a frozen transformer was pretrained on, or that it was at
all? The paper compares trunks pretrained on language, images and bits with a
random one (Lu et al., 2021, section 3.2 and 3.8). Its critics showed that the
answer turns on the learning rate (Rothermel et al., 2021). So here each trunk
stands beside two twins of its own architecture, one `random`, one drawn with
the `statistics` of its tensors, and each of them trains with several learning
rates and seeds. The rate is chosen by validation accuracy, for every row by
itself, and the table shows the test accuracy of that rate only.

    python examples/pretraining_modality.py gpt2_tiny_en=language bert=bert

names the trunks: embedded, of a hub, or folders (such as the one that
`examples/pretrain_on_bits.py` writes); `PRESET=NAME` gives a row its name. Each
run leaves a record in `results/pretraining_modality` and is never repeated; a
run that was killed goes on, and two processes share the work.

It is a table of one's own: rows, tasks and a scale. `main` of
`keras_fpt.experiments` gives such a table a command line.
"""

import pathlib
import sys

from keras_fpt.experiments import Recipe
from keras_fpt.experiments import Row
from keras_fpt.experiments import Scale
from keras_fpt.experiments import Table
from keras_fpt.experiments import main
from keras_fpt.experiments.experiment import options

"""
## Settings
"""

LEARNING_RATES = (3e-4, 1e-3, 3e-3)
SEEDS = 3
INITIALIZATIONS = ("pretrained", "random", "statistics")
TASKS = ("bit_xor", "mnist")
# About a minute a run on one core. MNIST in 16 patches of 8 x 8 pixels instead
# of 64 of 4 x 4, which is four times as fast.
RECIPES = {
    "bit_xor": Recipe(steps=600, evaluate_every=100, batch_size=16),
    "mnist": Recipe(
        steps=200,
        evaluate_every=100,
        batch_size=16,
        num_validation=1_000,
        task_options=options(patch_size=8),
    ),
}
RESULTS = pathlib.Path("results/pretraining_modality")

"""
## Rows

Each is a preset and an initialization. What an embedded or hub preset is
called says which trunk it is; a folder is told by its content too, which
`--preset` maps to its place.
"""

presets, rows = [], []
for argument in sys.argv[1:] or ["gpt2_tiny_en"]:
    preset, _, name = argument.partition("=")
    name = name or pathlib.Path(preset).name
    presets += [f"{name}={preset}"]
    rows += [
        Row.fpt(f"{name}, {each}", preset=name, initialization=each)
        for each in INITIALIZATIONS
    ]

"""
## The table
"""

main(
    Table(
        "modality", "what a trunk was pretrained on", rows, TASKS, sweep=True
    ),
    Scale("modality", RECIPES, sweep=LEARNING_RATES),
    ["--seeds", str(SEEDS), "--results", str(RESULTS), "--preset", *presets],
)
