"""
Title: Bit Memory with a frozen language model
Author: The keras_fpt authors
Date created: 2026/11/24
Last modified: 2026/11/24
Description: A language model, frozen, recalls a string of bits by its half.
Accelerator: None
"""

"""
## Introduction

Five random strings of bits go by, then one of them again with half of its bits
masked. The answer is the whole string: which of the five was it, and what did
it say? That takes memory and look-up by content, which attention can do
(Lu et al., 2021, https://arxiv.org/abs/2103.05247).

The transformer was pretrained on English prose and stays frozen; the input
layer, the head, the layer norms and the position embeddings are trained. All
bits are scored, the visible ones too, so that copying those and guessing the
rest reaches 75 %. Only what is above that was remembered.

`KERAS_BACKEND=jax python examples/bit_memory.py` runs it on another backend.
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

PRESET = "gpt2_tiny_en"  # comes with the library; try "gpt2_base_en"
# The paper's strings have 1,000 bits, 20 tokens each, and take it some 10,000
# steps. Strings of one token take this small trunk 2,000; with five tokens it
# was still at the floor after 1,500.
NUM_BITS = 50
NUM_PATTERNS = 5
PATCH_SIZE = 50
BATCH_SIZE = 16
LEARNING_RATE = 1e-3  # the paper's
STEPS_PER_EPOCH = 100
EPOCHS = 20
SEED = 0
RESULTS = pathlib.Path("results/bit_memory")

RESULTS.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(SEED)
task = keras_fpt.tasks.BitMemory(NUM_BITS, NUM_PATTERNS, PATCH_SIZE)
model = keras_fpt.FrozenPretrainedTransformer.from_preset(PRESET, task=task)
model.summary()
model.finetune_summary()

"""
## Train
"""

model.compile(**task.compile_args(LEARNING_RATE))
begin = time.time()
history = model.fit(
    task.train_data(BATCH_SIZE, seed=SEED),
    steps_per_epoch=STEPS_PER_EPOCH,
    epochs=EPOCHS,
    shuffle=False,
    validation_data=task.validation_data(),
)
print(f"Trained in {time.time() - begin:.0f} s")

curve = history.history["val_accuracy"]
figure, axes = plt.subplots(figsize=(6, 4))
axes.plot(STEPS_PER_EPOCH * np.arange(1, len(curve) + 1), curve, marker="o")
axes.axhline(
    task.floor_accuracy, color="gray", linestyle=":", label="copying, guessing"
)
axes.set(
    xlabel="training step", ylabel="validation accuracy", title="Bit Memory"
)
axes.legend()
figure.savefig(RESULTS / "learning_curve.png", dpi=150, bbox_inches="tight")

"""
## Visible and masked bits apart

Visible bits have only to be copied. The masked ones tell what was remembered.
"""

x, y = task.test_examples()
predicted = model.predict(x, verbose=0).argmax(axis=-1)
query = x[:, -predicted.shape[1] :]  # (sequences, tokens, patch_size)
right = predicted == y
print(f"visible bits: {right[query != 0].mean():.4f}")
print(f"masked bits: {right[query == 0].mean():.4f}")

"""
## Keep only what was trained
"""

checkpoint = RESULTS / "bit_memory.safetensors"
model.save_trained(checkpoint)
print(f"{checkpoint}: {checkpoint.stat().st_size / 1e6:.1f} MB")

print(f"test accuracy: {right.mean():.4f}")
