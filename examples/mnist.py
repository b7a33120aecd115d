"""
Title: MNIST with a frozen language model
Author: The keras_fpt authors
Date created: 2026/11/25
Last modified: 2026/11/25
Description: A language model, frozen, reads handwritten digits patch by patch.
Accelerator: GPU for the paper's size; none as it stands
"""

"""
## Introduction

A digit of 28 x 28 pixels is padded to 32 x 32 and cut into 64 patches of 4 x 4
pixels: a sequence of 64 tokens, 16 numbers each. A transformer that was
pretrained on English prose, and stays frozen, computes on them; only the input
layer, the head, the layer norms and the position embeddings are trained
(Lu et al., 2021, https://arxiv.org/abs/2103.05247).

The first run reads MNIST through tensorflow-datasets, 12 MB from the network,
or from `TFDS_DATA_DIR`; later runs read arrays from a cache.

`KERAS_BACKEND=jax python examples/mnist.py` runs it on another backend.
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

PRESET = "gpt2_tiny_en"  # comes with the library; the paper: "gpt2_base_en"
BATCH_SIZE = 16
EVALUATION_BATCH_SIZE = 256
VALIDATION_STEPS = 4  # 1,024 images after each epoch; `None` for all
LEARNING_RATE = 1e-3  # the paper's
STEPS_PER_EPOCH = 100  # the paper's model takes some 5,000 steps
EPOCHS = 6  # 600 steps: 68 %, seven minutes on one core (JAX)
SEED = 0
RESULTS = pathlib.Path("results/mnist")

RESULTS.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(SEED)
task = keras_fpt.tasks.get("mnist")
task.describe()
model = keras_fpt.FrozenPretrainedTransformer.from_preset(PRESET, task=task)
model.summary()
model.finetune_summary()

"""
## Train

5,000 of the training images are held out; the first of them are watched once an
epoch. They, not the test images, are for choosing settings.
"""

model.compile(**task.compile_args(LEARNING_RATE))
begin = time.time()
history = model.fit(
    task.train_data(BATCH_SIZE, seed=SEED),
    steps_per_epoch=STEPS_PER_EPOCH,
    epochs=EPOCHS,
    shuffle=False,
    validation_data=task.validation_data(EVALUATION_BATCH_SIZE),
    validation_steps=VALIDATION_STEPS,
)
print(f"Trained in {time.time() - begin:.0f} s")

steps = STEPS_PER_EPOCH * np.arange(1, len(history.epoch) + 1)
figure, axes = plt.subplots(figsize=(6, 4))
axes.plot(steps, history.history["val_accuracy"], marker="o")
floor = f"floor ({task.splits['test']})"
axes.axhline(task.floor_accuracy, color="gray", linestyle=":", label=floor)
axes.set(xlabel="training step", ylabel="validation accuracy", title="MNIST")
axes.legend()
figure.savefig(RESULTS / "learning_curve.png", dpi=150, bbox_inches="tight")

"""
## Keep only what was trained
"""

checkpoint = RESULTS / "mnist.safetensors"
model.save_trained(checkpoint)
print(f"{checkpoint}: {checkpoint.stat().st_size / 1e6:.1f} MB")

"""
## Test

All 10,000 test images, once, at the end.
"""

results = model.evaluate(
    task.test_data(EVALUATION_BATCH_SIZE),
    return_dict=True,
    verbose=0,
)
print(f"test accuracy: {results['accuracy']:.4f}")
