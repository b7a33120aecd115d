"""
Title: What a trunk was pretrained on
Author: The keras_fpt authors
Date created: 2026/11/25
Last modified: 2026/11/25
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
itself, and the table shows the test accuracy of that rate alone.

```
python examples/pretraining_modality.py gpt2_tiny_en bert_base_en_uncased
```

names the trunks: embedded, of a hub, or folders (such as the one that
`examples/pretrain_on_bits.py` writes; `PRESET=NAME` gives a row its name, and
`PRESET=NAME:pretrained` leaves out its twins). Each run leaves a record in
`results/pretraining_modality`; a run whose record is there is not repeated, so
that a killed comparison goes on, and two processes may share one with `--task`.
"""

import argparse
import itertools
import json
import os
import pathlib
import time

import keras
import numpy as np
import pandas as pd

import keras_fpt

"""
## Settings
"""

LEARNING_RATES = (3e-4, 1e-3, 3e-3)
SEEDS = (0, 1, 2)
INITIALIZATIONS = ("pretrained", "random", "statistics")
BATCH_SIZE = 16
# Steps between looks at the validation set, and looks.
STEPS_PER_EPOCH = 100
EPOCHS = {"bit_xor": 6, "mnist": 2}
# A minute a run; of images, parts are looked at.
NUM_VALIDATION, NUM_TEST = 1_000, 2_000
SOLVED = 0.99
RESULTS = pathlib.Path("results/pretraining_modality")

parser = argparse.ArgumentParser(description="Compares frozen trunks.")
parser.add_argument("presets", nargs="*", default=["gpt2_tiny_en"])
parser.add_argument("--task", choices=tuple(EPOCHS), action="append")
arguments = parser.parse_args()
names = arguments.task or list(EPOCHS)
RESULTS.mkdir(parents=True, exist_ok=True)

"""
## Tasks

Bit XOR as in the paper. MNIST in 16 patches of 8 x 8 pixels instead of 64 of
4 x 4, which is four times as fast.
"""

sizes = {"bit_xor": {}, "mnist": {"patch_size": 8}}
tasks = {name: keras_fpt.tasks.get(name, **sizes[name]) for name in names}

"""
## Rows

Each is a preset and an initialization.
"""

rows = []
for argument in arguments.presets:
    preset, _, named = argument.partition("=")
    name, _, chosen = named.partition(":")
    for initialization in (chosen,) if chosen else INITIALIZATIONS:
        rows.append((name or pathlib.Path(preset).name, preset, initialization))


"""
## Runs
"""


def run(task_name, row, learning_rate, seed):
    """Trains one model; returns its record."""
    name, preset, initialization = row
    task = tasks[task_name]
    (x, y), (test_x, test_y) = examples[task_name]
    begin = time.time()
    keras.utils.set_random_seed(seed)
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        preset, task=task, initialization=initialization, seed=seed
    )
    model.compile(**task.compile_args(learning_rate))
    history = model.fit(
        task.train_data(BATCH_SIZE, seed=seed),
        steps_per_epoch=STEPS_PER_EPOCH,
        epochs=EPOCHS[task_name],
        shuffle=False,
        validation_data=(x[:NUM_VALIDATION], y[:NUM_VALIDATION]),
        validation_batch_size=250,
        verbose=0,
    ).history
    _, test = model.evaluate(
        test_x[:NUM_TEST], test_y[:NUM_TEST], batch_size=250, verbose=0
    )
    return {
        "task": task_name,
        "trunk": name,
        "initialization": initialization,
        "learning_rate": learning_rate,
        "seed": seed,
        "loss": history["loss"],
        "validation": history["val_accuracy"],
        "test": float(test),
        "seconds": time.time() - begin,
        "backend": keras.backend.backend(),
    }


examples = {
    name: (task.validation_examples(), task.test_examples())
    for name, task in tasks.items()
}
for task_name, row, seed, learning_rate in itertools.product(
    tasks, rows, SEEDS, LEARNING_RATES
):
    name, _, initialization = row
    title = f"{task_name}-{name}-{initialization}-{learning_rate:g}-{seed}"
    file = RESULTS / f"{title}.json"
    if file.exists():
        continue
    record = run(task_name, row, learning_rate, seed)
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps(record))
    os.replace(partial, file)
    print(
        f"{title}: validation {record['validation'][-1]:.4f}, "
        f"{record['seconds']:.0f} s",
        flush=True,
    )

"""
## The table

For every row, the learning rate with the best mean validation accuracy; with
it, mean and standard deviation over seeds of the test accuracy, and the steps
until validation first reached 99 % (`-` where a seed did not).
"""

records = pd.DataFrame(
    [json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))]
)
records["last"] = records["validation"].map(lambda curve: curve[-1])


def steps_to_solve(curve):
    above = np.flatnonzero(np.array(curve) >= SOLVED)
    return STEPS_PER_EPOCH * (above[0] + 1) if len(above) else np.nan


records["steps"] = records["validation"].map(steps_to_solve)
print("| task | trunk | values | rate | test accuracy | steps to 99 % | n |")
print("|---|---|---|---|---|---|---|")
for task_name in names:
    for name, _, initialization in rows:
        cell = records[
            (records["task"] == task_name)
            & (records["trunk"] == name)
            & (records["initialization"] == initialization)
        ]
        means = cell.groupby("learning_rate")["last"].mean()
        best = cell[cell["learning_rate"] == means.idxmax()]
        test = 100 * best["test"]
        steps = best["steps"].dropna()
        solved = f"{steps.mean():.0f}" if len(steps) == len(best) else "-"
        print(
            f"| {task_name} | {name} | {initialization} | "
            f"{means.idxmax():g} | {test.mean():.1f} ± {test.std():.1f} | "
            f"{solved} | {len(best)} |"
        )
