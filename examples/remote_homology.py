"""
Title: Remote homology with a frozen language model
Author: The keras_fpt authors
Date created: 2026/11/25
Last modified: 2026/11/25
Description: A language model, frozen, tells proteins' folds by their sequence.
Accelerator: GPU for the paper's size; none as it stands
"""

"""
## Introduction

Which of 1,195 folds does a protein take, given its amino acids, one a token?
The test proteins come from superfamilies that training has not seen (TAPE, Rao
et al., 2019). A transformer that was pretrained on English prose, and stays
frozen, computes on them; only the input layer, the head, the layer norms and
the position embeddings are trained
(Lu et al., 2021, https://arxiv.org/abs/2103.05247).

TAPE's files are expected in the folder `TAPE_DATA_DIR`; without them, the error
says what to fetch.

`KERAS_BACKEND=jax python examples/remote_homology.py` runs it on another
backend.
"""

import pathlib
import time

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_fpt

"""
## Settings
"""

# As it stands, for two cores, and too short to leave the floor of 2.8 %. On a
# GPU: "gpt2_base_en", the paper's learning rate of 1e-4 and some 100,000 steps,
# to 12.7 %.
PRESET = "gpt2_tiny_en"
BATCH_SIZE = 16
EVALUATION_BATCH_SIZE = 16
LEARNING_RATE = 1e-3  # the paper's is 1e-4, for far more steps
STEPS_PER_EPOCH = 100
EPOCHS = 3  # 300 steps: 17 minutes on one core (JAX)
SEED = 0
RESULTS = pathlib.Path("results/remote_homology")

RESULTS.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(SEED)
task = keras_fpt.tasks.get("remote_homology")
task.describe()
model = keras_fpt.FrozenPretrainedTransformer.from_preset(PRESET, task=task)
model.summary()
model.finetune_summary()

"""
## Train

Proteins have 9 to 1,419 amino acids. Batches are made of sequences of like
length and padded to the next of a few lengths; those above 1,024 are left out
of training.
"""

model.compile(**task.compile_args(LEARNING_RATE))
begin = time.time()
history = model.fit(
    task.train_data(BATCH_SIZE, seed=SEED),
    steps_per_epoch=STEPS_PER_EPOCH,
    epochs=EPOCHS,
    shuffle=False,
    validation_data=task.validation_data(EVALUATION_BATCH_SIZE),
)
print(f"Trained in {time.time() - begin:.0f} s")

steps = STEPS_PER_EPOCH * np.arange(1, len(history.epoch) + 1)
figure, axes = plt.subplots(figsize=(6, 4))
axes.plot(steps, history.history["val_accuracy"], marker="o")
floor = f"floor ({task.splits['test']})"
axes.axhline(task.floor_accuracy, color="gray", linestyle=":", label=floor)
axes.set(
    xlabel="training step",
    ylabel="validation accuracy",
    title="Remote homology",
)
axes.legend()
figure.savefig(RESULTS / "learning_curve.png", dpi=150, bbox_inches="tight")

share = task.padded_share(BATCH_SIZE)
print(f"{share:.1%} of the training tokens are padding")

"""
## Keep only what was trained
"""

checkpoint = RESULTS / "remote_homology.safetensors"
model.save_trained(checkpoint)
print(f"{checkpoint}: {checkpoint.stat().st_size / 1e6:.1f} MB")

"""
## Test

The split is named with the number, for TAPE's validation split is not its
hold-out. Sequences above 1,024 amino acids count as wrong.
"""

results = model.evaluate(
    task.test_data(EVALUATION_BATCH_SIZE),
    return_dict=True,
    verbose=0,
)
print(f"test accuracy ({task.splits['test']}): {results['accuracy']:.4f}")
