"""
Title: Pretrain a trunk on bits
Author: The keras_fpt authors
Date created: 2026/11/25
Last modified: 2026/11/25
Description: A transformer learns Bit Memory whole, and becomes a preset.
Accelerator: None
"""

"""
## Introduction

What is pretraining on language worth beside pretraining on something else? The
paper's "Bit" is a GPT-2 that was trained, all of it, on Bit Memory, and then
frozen for other tasks (Lu et al., 2021, section 3.2). This script makes one in
the shape of the embedded trunk and saves it as a preset:

```python
keras_fpt.FrozenPretrainedTransformer.from_preset(
    "results/pretrain_on_bits/preset", task=task
)
```

`KERAS_BACKEND=jax python examples/pretrain_on_bits.py` runs it on another
backend.
"""

import pathlib
import time

import keras

import keras_fpt

"""
## Settings
"""

SHAPE = "gpt2_tiny_en"  # whose sizes it gets; try "gpt2_base_en"
# The strings of examples/bit_memory.py, which a small trunk learns in minutes.
NUM_BITS = 50
NUM_PATTERNS = 5
PATCH_SIZE = 50
BATCH_SIZE = 16
# At 1e-3, the whole transformer may lose what it has learned.
LEARNING_RATE = 3e-4
STEPS_PER_EPOCH = 100
EPOCHS = 20
SEED = 0
RESULTS = pathlib.Path("results/pretrain_on_bits")

"""
## Train the whole transformer
"""

keras.utils.set_random_seed(SEED)
task = keras_fpt.tasks.BitMemory(NUM_BITS, NUM_PATTERNS, PATCH_SIZE)
model = keras_fpt.FrozenPretrainedTransformer.from_preset(
    SHAPE, task=task, initialization="random", seed=SEED, finetune="full"
)
model.finetune_summary()
model.compile(**task.compile_args(LEARNING_RATE))
begin = time.time()
model.fit(
    task.train_data(BATCH_SIZE, seed=SEED),
    steps_per_epoch=STEPS_PER_EPOCH,
    epochs=EPOCHS,
    shuffle=False,
    validation_data=task.validation_data(),
    verbose=2,
)
print(f"Trained in {time.time() - begin:.0f} s")

"""
## Keep the trunk

What is above the floor was remembered: copying the visible bits and guessing
the others reaches 75 %.
"""

model.save_trunk(RESULTS / "preset")
print(f"preset: {RESULTS / 'preset'}, floor: {task.floor_accuracy}")
_, accuracy = model.evaluate(task.test_data(), verbose=0)
print(f"test accuracy: {accuracy:.4f}")
