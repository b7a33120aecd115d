"""
Title: ListOps with a frozen language model
Author: The keras_fpt authors
Date created: 2026/11/25
Last modified: 2026/11/25
Description: A language model, frozen, evaluates nested lists of operations.
Accelerator: GPU for the paper's size; none as it stands
"""

"""
## Introduction

`[MAX 2 9 [MIN 4 7 ] 0 ]` is 9: the answer to nested operations on digits needs
all of their structure (Nangia and Bowman, 2018; Tay et al., 2021). A
transformer that was pretrained on English prose, and stays frozen, computes on
them, a symbol a token; only the input layer, the head, the layer norms and the
position embeddings are trained
(Lu et al., 2021, https://arxiv.org/abs/2103.05247).

The paper's sequences have lost their closing brackets, which leaves the
structure open to guesses, and are cut after 512 tokens: `variant="paper"`.
Here they are whole: `variant="lra"`. Expressions are drawn by the library; no
data is fetched.

`KERAS_BACKEND=jax python examples/listops.py` runs it on another backend.
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

# As it stands, for two cores: expressions of up to 50 tokens. The paper's data
# is `keras_fpt.tasks.get("listops")`, on "gpt2_base_en", for some 2,000 steps.
# Long Range Arena's is `variant="lra"` without sizes, on a model with
# `num_positions=2000`.
PRESET = "gpt2_tiny_en"
SIZES = {"min_length": 5, "max_length": 51, "max_depth": 4}
BATCH_SIZE = 32
EVALUATION_BATCH_SIZE = 250
LEARNING_RATE = 1e-3  # the paper's
STEPS_PER_EPOCH = 100
EPOCHS = 8  # 800 steps: 38 %, eight minutes on one core (JAX)
SEED = 0
RESULTS = pathlib.Path("results/listops")

RESULTS.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(SEED)
task = keras_fpt.tasks.get("listops", variant="lra", **SIZES)
task.describe()
model = keras_fpt.FrozenPretrainedTransformer.from_preset(PRESET, task=task)
model.summary()
model.finetune_summary()

"""
## Train

Expressions have several lengths: each batch is padded to the next of a few, and
a mask tells the model which tokens are real.
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
# The floor: always the most frequent answer.
answers, test_answers = task.data("train").y, task.data("test").y
floor = np.mean(test_answers == np.bincount(answers).argmax())
figure, axes = plt.subplots(figsize=(6, 4))
axes.plot(steps, history.history["val_accuracy"], marker="o")
axes.axhline(floor, color="gray", linestyle=":", label="most frequent answer")
axes.set(xlabel="training step", ylabel="validation accuracy", title="ListOps")
axes.legend()
figure.savefig(RESULTS / "learning_curve.png", dpi=150, bbox_inches="tight")

"""
## Keep only what was trained
"""

checkpoint = RESULTS / "listops.safetensors"
model.save_trained(checkpoint)
print(f"{checkpoint}: {checkpoint.stat().st_size / 1e6:.1f} MB")

"""
## Test

All 2,000 test expressions, none of which was trained on.
"""

results = model.evaluate(
    task.test_data(EVALUATION_BATCH_SIZE),
    return_dict=True,
    verbose=0,
)
print(f"most frequent answer: {floor:.4f}")
print(f"test accuracy: {results['accuracy']:.4f}")
