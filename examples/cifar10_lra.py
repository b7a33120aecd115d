"""
Title: CIFAR-10 LRA with a frozen language model
Author: The keras_fpt authors
Date created: 2026/11/25
Last modified: 2026/11/25
Description: A language model, frozen, sees gray photographs pixel by pixel.
Accelerator: GPU for the paper's size; none as it stands
"""

"""
## Introduction

The image task of Long Range Arena (Tay et al., 2021): a photograph in gray, one
pixel a token. The sequence of 1,024 tokens says nothing of rows and columns; a
transformer has to find out which pixels are neighbours. Ours was pretrained on
English prose and stays frozen; only the input layer, the head, the layer norms
and the position embeddings are trained
(Lu et al., 2021, https://arxiv.org/abs/2103.05247).

The first run reads CIFAR-10 through tensorflow-datasets, 160 MB from the
network, or from `TFDS_DATA_DIR`; later runs read arrays from a cache.

`KERAS_BACKEND=jax python examples/cifar10_lra.py` runs it on another backend.
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

# As it stands, for two cores, and too short to leave the floor of 10 %. On a
# GPU: "gpt2_base_en", `NUM_LAYERS = None` and `EVALUATION_STEPS = None`, all
# images. The paper trains GPT-2 base for some 300,000 steps, to 38.6 %.
PRESET = "gpt2_tiny_en"
NUM_LAYERS = 4  # the first of eight; `None` for all
VARIANT = "paper"  # gray values as numbers; "lra": as 256 ids, not augmented
BATCH_SIZE = 4  # the original's
EVALUATION_BATCH_SIZE = 16
EVALUATION_STEPS = 32  # 512 images; `None` for all
LEARNING_RATE = 1e-3  # the paper's
STEPS_PER_EPOCH = 50
EPOCHS = 6  # 300 steps: 26 minutes on one core (JAX)
SEED = 0
RESULTS = pathlib.Path("results/cifar10_lra")

RESULTS.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(SEED)
task = keras_fpt.tasks.get("cifar10_lra", variant=VARIANT)
task.describe()
model = keras_fpt.FrozenPretrainedTransformer.from_preset(
    PRESET, task=task, num_layers=NUM_LAYERS
)
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
    validation_steps=EVALUATION_STEPS,
)
print(f"Trained in {time.time() - begin:.0f} s")

steps = STEPS_PER_EPOCH * np.arange(1, len(history.epoch) + 1)
figure, axes = plt.subplots(figsize=(6, 4))
axes.plot(steps, history.history["val_accuracy"], marker="o")
floor = f"floor ({task.splits['test']})"
axes.axhline(task.floor_accuracy, color="gray", linestyle=":", label=floor)
axes.set(
    xlabel="training step", ylabel="validation accuracy", title="CIFAR-10 LRA"
)
axes.legend()
figure.savefig(RESULTS / "learning_curve.png", dpi=150, bbox_inches="tight")

"""
## Keep only what was trained
"""

checkpoint = RESULTS / "cifar10_lra.safetensors"
model.save_trained(checkpoint)
print(f"{checkpoint}: {checkpoint.stat().st_size / 1e6:.1f} MB")

"""
## Test

The first `EVALUATION_STEPS` batches of the test images. A number to report
takes all 10,000.
"""

results = model.evaluate(
    task.test_data(EVALUATION_BATCH_SIZE),
    steps=EVALUATION_STEPS,
    return_dict=True,
    verbose=0,
)
print(f"test accuracy: {results['accuracy']:.4f}")
