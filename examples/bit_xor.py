"""
Title: Bit XOR with a frozen language model
Author: The keras_fpt authors
Date created: 2026/11/24
Last modified: 2026/11/28
Description: A language model, frozen, learns the exclusive or of two strings.
Accelerator: None
"""

"""
## Introduction

Two strings of five bits go by, one bit a token; each of the last five tokens
answers with one bit of their exclusive or. The transformer that computes this
was pretrained on English prose. Its attention and feed-forward layers stay
frozen: only the input layer, the head, the layer norms and the position
embeddings are trained (Lu et al., 2021, https://arxiv.org/abs/2103.05247).

The control is the same transformer with random weights, frozen in the same way.
Where it does as well, the text is not the reason. One seed and one learning
rate do not settle that; `keras_fpt.compare` trains with several.

`KERAS_BACKEND=jax python examples/bit_xor.py` runs it on another backend.
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
BATCH_SIZE = 16
LEARNING_RATE = 3e-3  # the paper's is 1e-3, which needs more steps
STEPS_PER_EPOCH = 100
EPOCHS = 5
SEED = 0
RESULTS = pathlib.Path("results/bit_xor")

RESULTS.mkdir(parents=True, exist_ok=True)
task = keras_fpt.tasks.get("bit_xor")

"""
## Train the frozen language model and its random twin
"""


def train(initialization):
    """Trains one model; returns it, its frozen weights before, its curve."""
    keras.utils.set_random_seed(SEED)
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        PRESET, task=task, initialization=initialization, seed=SEED
    )
    frozen = [np.array(weight) for weight in model.non_trainable_weights]
    model.compile(**task.compile_args(LEARNING_RATE))
    begin = time.time()
    history = model.fit(
        task.train_data(BATCH_SIZE, seed=SEED),
        steps_per_epoch=STEPS_PER_EPOCH,
        epochs=EPOCHS,
        shuffle=False,
        validation_data=task.validation_data(),
    )
    print(f"Trained the {initialization} trunk in {time.time() - begin:.0f} s")
    return model, frozen, history.history["val_accuracy"]


print("A frozen language model:")
model, frozen, curve = train("pretrained")
model.summary()
model.finetune_summary()

print("The same transformer with random weights, frozen too:")
random_model, _, random_curve = train("random")

"""
## What was frozen is unchanged, bit for bit
"""

for weight, before in zip(model.non_trainable_weights, frozen, strict=True):
    np.testing.assert_array_equal(np.array(weight), before)
print(f"{len(frozen)} frozen weights are what they were.")

"""
## Learning curves
"""

figure, axes = plt.subplots(figsize=(6, 4))
for label, values in (
    ("pretrained on English", curve),
    ("random", random_curve),
):
    steps = STEPS_PER_EPOCH * np.arange(1, len(values) + 1)
    learned = steps[np.array(values) >= 0.99]
    when = f"after {learned[0]} steps" if len(learned) else "not reached"
    print(f"99 % of validation, frozen, {label}: {when}")
    axes.plot(steps, values, marker="o", label=f"frozen, {label}")
axes.axhline(task.floor_accuracy, color="gray", linestyle=":", label="guessing")
axes.set(xlabel="training step", ylabel="validation accuracy", title="Bit XOR")
axes.legend()
figure.savefig(RESULTS / "learning_curve.png", dpi=150, bbox_inches="tight")

"""
## Attention of the first block

The paper's section 3.5 finds two diagonals in the lower half: the answering
token attends to the two bits that it combines.
"""

x, _ = task.test_data()[0]
maps = keras_fpt.attention_maps(model, x, layer=0)
# (batch, heads, tokens, tokens)
figure, axes = plt.subplots(figsize=(5, 4))
image = axes.imshow(maps.mean(axis=(0, 1)), cmap="viridis")
axes.set(
    xlabel="attended token",
    ylabel="token",
    title="Attention of block 0, mean over heads and sequences",
)
figure.colorbar(image)
figure.savefig(RESULTS / "attention_map.png", dpi=150, bbox_inches="tight")

"""
## Keep only what was trained

The file names its trunk and a hash of the frozen weights. Loaded again, it is
the same model.
"""

checkpoint = RESULTS / "bit_xor.safetensors"
model.save_trained(checkpoint)
print(f"{checkpoint}: {checkpoint.stat().st_size / 1e6:.1f} MB")
reloaded = keras_fpt.FrozenPretrainedTransformer.from_trained(checkpoint)
np.testing.assert_allclose(
    reloaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5
)

"""
## Test

All 1,024 inputs: five bits make no more. Training has drawn from the same
ones, so this measures fit; `keras_fpt.tasks.BitXor(holdout=0.25)` is the
control.
"""

reloaded.compile(**task.compile_args())
results = reloaded.evaluate(task.test_data(), return_dict=True, verbose=0)
random_results = random_model.evaluate(
    task.test_data(), return_dict=True, verbose=0
)
print(f"frozen random twin, test accuracy: {random_results['accuracy']:.4f}")
print(f"test accuracy: {results['accuracy']:.4f}")
