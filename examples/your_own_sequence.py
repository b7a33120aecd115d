"""
Title: A sequence of your own
Author: The keras_fpt authors
Date created: 2026/11/25
Last modified: 2026/11/25
Description: A task of your own in one class: which wave is in the noise?
Accelerator: None
"""

import keras
import numpy as np

import keras_fpt

STEPS_PER_EPOCH, EPOCHS, SEED = 100, 4, 0

"""
## The task

A sensor gives 128 readings, eight a token: a wave of random frequency and
phase, in noise. Is it a sine, a triangle, a square or a sawtooth?
"""


class Waves(keras_fpt.tasks.Task):
    inputs, outputs = (16, 8), 4
    class_names = ("sine", "triangle", "square", "sawtooth")
    floor_accuracy, floor_reason = 0.25, "guesses one wave of four"

    def sample(self, rng, batch_size):
        wave = rng.integers(4, size=batch_size)
        start, periods = rng.uniform([0, 3], [1, 9], size=(batch_size, 2)).T
        phase = start[:, None] + periods[:, None] * np.linspace(0, 1, 128)
        saw = 2 * (phase % 1) - 1  # (batch, 128), from -1 to 1
        triangle = 2 * np.abs(saw) - 1
        waves = np.sin(2 * np.pi * phase), triangle, np.sign(saw), saw
        x = np.choose(wave[:, None], waves) + rng.normal(0, 0.3, phase.shape)
        return x.reshape(batch_size, 16, 8).astype("float32"), wave


"""
## The model
"""

keras.utils.set_random_seed(SEED)
task = Waves()
model = keras_fpt.FrozenPretrainedTransformer.from_preset(
    "gpt2_tiny_en", task=task
)
model.compile(**task.compile_args())
model.fit(
    task.train_data(batch_size=16, seed=SEED),
    steps_per_epoch=STEPS_PER_EPOCH,
    epochs=EPOCHS,
    shuffle=False,
    validation_data=task.validation_data(),
)
_, accuracy = model.evaluate(task.test_data(), verbose=0)
print(f"test accuracy: {accuracy:.4f}")
