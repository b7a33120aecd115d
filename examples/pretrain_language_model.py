"""
Title: Pretrain a small language model to use as a trunk
Author: The keras_fpt authors
Date created: 2026/11/24
Last modified: 2026/11/24
Description: Trains a GPT-2 on your own text and saves it as a preset.
Accelerator: None
"""

"""
## Introduction

A frozen pretrained transformer needs a trunk that was pretrained on something.
This script makes one from plain text: a byte-level BPE vocabulary, a GPT-2 of
7.6 million parameters, mixed precision, the Muon optimizer. It is how the
embedded preset `gpt2_tiny_en` was made.

```
python examples/pretrain_language_model.py TEXT FOLDER
```

`TEXT` is a `.txt` or `.txt.xz` file, or a folder of them. Lines that hold only
`<|endoftext|>` separate documents. A file whose name begins with `valid` is
the validation text; without one, the last hundredth of the documents is.
`FOLDER/preset` becomes the preset, which `FrozenPretrainedTransformer.
from_preset` loads; `FOLDER/work` keeps what a killed run goes on from.
"""

import argparse
import csv
import hashlib
import importlib.metadata
import json
import lzma
import math
import os
import pathlib
import platform
import time

import keras
import keras_nlp
import numpy as np
import tokenizers

"""
## Settings
"""

# Small, for the trunk does not carry the token table: 4,096 pieces of English
# hold 3.5 bytes on average.
VOCABULARY_SIZE = 4096
NUM_LAYERS = 8
NUM_HEADS = 4  # of 64, as every GPT-2
HIDDEN_DIM = 256
MAX_SEQUENCE_LENGTH = 1024
# (tokens a sequence, sequences a batch, epochs): short sequences train faster,
# the last phase trains all positions. Every batch holds 4,096 tokens.
PHASES = [(256, 16, 20), (1024, 4, 5)]
STEPS_PER_EPOCH = 150
# With 500 steps of 4,096 tokens: 1.97 bits per byte at 6e-3, 2.00 at 3e-3, and
# 2.28 where Muon leaves the attention kernels to AdamW, as Keras does.
LEARNING_RATE = 6e-3
WARMUP_STEPS = 100
DECAY_SHARE = 0.6  # of the steps, at the end, linear to zero
WEIGHT_DECAY = 0.1
SEED = 0
END_OF_TEXT = "<|endoftext|>"

parser = argparse.ArgumentParser(description="Pretrains a small GPT-2.")
parser.add_argument("text", type=pathlib.Path, help="a text file or a folder")
parser.add_argument("folder", type=pathlib.Path, help="what to write")
arguments = parser.parse_args()
work, preset = arguments.folder / "work", arguments.folder / "preset"
work.mkdir(parents=True, exist_ok=True)

keras.utils.set_random_seed(SEED)
keras.config.set_dtype_policy("mixed_bfloat16")

"""
## Text to tokens

The tokens are written once; a run that goes on reads them back, and only with
the text and the settings that it began with.
"""

if arguments.text.is_file():
    files = [arguments.text]
else:
    files = sorted(arguments.text.glob("*.txt*"))
if not files:
    raise SystemExit(f"No .txt or .txt.xz file in {arguments.text}")
settings = {
    "text": {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files},
    "vocabulary_size": VOCABULARY_SIZE,
    "num_layers": NUM_LAYERS,
    "num_heads": NUM_HEADS,
    "hidden_dim": HIDDEN_DIM,
    "max_sequence_length": MAX_SEQUENCE_LENGTH,
    "phases": [list(phase) for phase in PHASES],
    "steps_per_epoch": STEPS_PER_EPOCH,
    "learning_rate": LEARNING_RATE,
    "warmup_steps": WARMUP_STEPS,
    "decay_share": DECAY_SHARE,
    "weight_decay": WEIGHT_DECAY,
    "seed": SEED,
}
begun = work / "settings.json"
if not begun.exists():
    begun.write_text(json.dumps(settings))
if json.loads(begun.read_text()) != settings:
    raise SystemExit(
        f"{work} holds a run on another text or with other settings: choose "
        f"another folder, or delete {work}"
    )


def read_documents(path):
    """The documents of a text file."""
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as file:
        return file.read().removesuffix("\n").split(f"\n{END_OF_TEXT}\n")


def read_text():
    """Training and validation documents of all files."""
    split = {"train": [], "valid": []}
    for file in files:
        name = "valid" if file.name.startswith("valid") else "train"
        split[name] += read_documents(file)
    if not split["valid"]:
        held_out = max(1, len(split["train"]) // 100)
        split["valid"] = split["train"][-held_out:]
        split["train"] = split["train"][:-held_out]
    if not split["train"]:
        raise SystemExit(
            f"{arguments.text} leaves no document to train on: separate "
            f"documents with lines that hold only {END_OF_TEXT}, and put more "
            "beside a validation text"
        )
    return split


def write_tokens():
    """Trains the vocabulary on the training text and encodes both splits."""
    split = read_text()
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    byte_level = tokenizers.pre_tokenizers.ByteLevel
    tokenizer.pre_tokenizer = byte_level(add_prefix_space=False)
    tokenizer.train_from_iterator(
        split["train"],
        tokenizers.trainers.BpeTrainer(
            vocab_size=VOCABULARY_SIZE,
            special_tokens=[END_OF_TEXT],
            initial_alphabet=byte_level.alphabet(),
        ),
    )
    tokenizer.save(str(work / "tokenizer.json"))
    end = [tokenizer.token_to_id(END_OF_TEXT)]
    sizes = {}
    for name, documents in split.items():
        ids = [np.array(end, "uint16")] + [
            np.array(tokenizer.encode(document).ids + end, "uint16")
            for document in documents
        ]
        sizes[name] = {
            "documents": len(documents),
            "bytes": sum(len(d.encode()) for d in documents),
            "tokens": sum(map(len, ids)) - 1,
        }
        np.save(work / f"{name}.npy", np.concatenate(ids))
    (work / "sizes.json").write_text(json.dumps(sizes))


if not (work / "sizes.json").exists():
    write_tokens()
sizes = json.loads((work / "sizes.json").read_text())
train, valid = np.load(work / "train.npy"), np.load(work / "valid.npy")
longest = max(num_tokens for num_tokens, _, _ in PHASES)
if len(train) <= longest + 1:
    raise SystemExit(
        f"The training text has {len(train)} tokens: expected more than "
        f"{longest + 1}, one sequence of the last phase"
    )
bytes_per_token = sizes["valid"]["bytes"] / sizes["valid"]["tokens"]
print(f"Text: {sizes}, {bytes_per_token:.3f} bytes a token")


def as_batch(windows):
    """Inputs and targets of windows that are one token longer."""
    windows = windows.astype("int32")
    inputs = windows[:, :-1]
    mask = np.ones_like(inputs)
    return {"token_ids": inputs, "padding_mask": mask}, windows[:, 1:]


class Windows(keras.utils.PyDataset):
    """Random windows of the training text; a batch follows from its step."""

    def __init__(self, num_tokens, batch_size, start):
        super().__init__()
        self.num_tokens, self.batch_size = num_tokens, batch_size
        self.start = start

    num_batches = None  # as many as asked for

    def __getitem__(self, index):
        rng = np.random.default_rng((SEED, self.start + index))
        last = len(train) - self.num_tokens
        starts = rng.integers(last, size=(self.batch_size, 1))
        return as_batch(train[starts + np.arange(self.num_tokens + 1)])


"""
## Model and optimizer
"""

backbone = keras_nlp.models.GPT2Backbone(
    vocabulary_size=VOCABULARY_SIZE,
    num_layers=NUM_LAYERS,
    num_heads=NUM_HEADS,
    hidden_dim=HIDDEN_DIM,
    intermediate_dim=4 * HIDDEN_DIM,
    dropout=0.0,  # the steps above see no text often
    max_sequence_length=MAX_SEQUENCE_LENGTH,
)
language_model = keras_nlp.models.GPT2CausalLM(backbone, preprocessor=None)
# As a plain Keras model it takes token ids from any data set.
model = keras.Model(language_model.input, language_model.output)


class Muon(keras.optimizers.Muon):
    """Muon that takes attention kernels for the matrices that they are.

    Keras shapes them (hidden_dim, heads, head_dim) or the reverse, and its
    Muon leaves what has three axes to AdamW. Their biases, which have two,
    are matrices to it, too. The iteration runs in bfloat16,
    as its inventors run it: a step takes 1.3 seconds instead of 1.8.
    """

    def _should_use_adamw(self, variable):
        is_attention = len(variable.shape) == 3
        return not is_attention and super()._should_use_adamw(variable)

    def zeropower_via_newtonschulz5(self, x, steps):
        matrix = keras.ops.reshape(x, self._matrix_shape(x))
        matrix = keras.ops.cast(matrix, "bfloat16")
        update = super().zeropower_via_newtonschulz5(matrix, steps)
        return keras.ops.cast(keras.ops.reshape(update, x.shape), x.dtype)

    def lr_adjust(self, x):
        rows, columns = self._matrix_shape(x)
        return x * math.sqrt(max(rows, columns)) * self.rms_rate

    def _matrix_shape(self, x):
        return (HIDDEN_DIM, HIDDEN_DIM) if len(x.shape) == 3 else x.shape


num_epochs = sum(epochs for _, _, epochs in PHASES)
num_steps = num_epochs * STEPS_PER_EPOCH
decay_steps = round(DECAY_SHARE * num_steps)


@keras.saving.register_keras_serializable()
class WarmupThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, a plateau, linear decay to zero."""

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        up = (step + 1) / WARMUP_STEPS
        down = (num_steps - step) / decay_steps
        return LEARNING_RATE * keras.ops.clip(
            keras.ops.minimum(up, down), 0.0, 1.0
        )

    def get_config(self):
        return {}


def next_token_loss(targets, logits):
    """Cross-entropy; Keras' own would write every target as 4,096 numbers."""
    targets = keras.ops.cast(targets, "int32")[..., None]
    log_probabilities = keras.ops.log_softmax(
        keras.ops.cast(logits, "float32"), axis=-1
    )  # (batch, num_tokens, vocabulary_size)
    return -keras.ops.take_along_axis(log_probabilities, targets, axis=-1)


model.compile(
    optimizer=Muon(
        WarmupThenDecay(),
        adam_beta_2=0.95,
        weight_decay=WEIGHT_DECAY,
        adam_weight_decay=WEIGHT_DECAY,
        global_clipnorm=1.0,
        ns_steps=5,  # its inventors' number
    ),
    loss=next_token_loss,
)

"""
## Training

After every epoch the weights and the optimizer are written, so that a killed
run goes on. Loss per token becomes bits per byte, which any vocabulary shares
and a compressor can be held against.
"""

bits_per_byte = 1 / math.log(2) / bytes_per_token
backup, log = work / "backup.weights.h5", work / "log.csv"


class Progress(keras.callbacks.Callback):
    """Adds bits per byte and seconds to the log."""

    def on_epoch_begin(self, epoch, logs=None):
        self.wall, self.cpu = time.time(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        logs["bits_per_byte"] = logs["val_loss"] * bits_per_byte
        logs["wall_seconds"] = time.time() - self.wall
        logs["cpu_seconds"] = time.process_time() - self.cpu


class Backup(keras.callbacks.Callback):
    """Writes what a killed run goes on from, whole or not at all."""

    def on_epoch_end(self, epoch, logs=None):
        partial = backup.with_name(f"partial.{backup.name}")
        self.model.save_weights(partial, overwrite=True)
        os.replace(partial, backup)


model.optimizer.build(model.trainable_variables)  # or it would start afresh
if backup.exists():
    model.load_weights(backup)
done = int(model.optimizer.iterations) // STEPS_PER_EPOCH
print(
    f"{model.count_params():,} parameters, {done} of {num_epochs} epochs done"
)

phase_end = 0
for num_tokens, batch_size, epochs in PHASES:
    phase_end += epochs
    stride = max(num_tokens, len(valid) // 64)  # some 64 windows
    starts = np.arange(0, max(1, len(valid) - num_tokens), stride)
    window = np.arange(min(num_tokens + 1, len(valid)))
    model.fit(
        Windows(num_tokens, batch_size, start=done * STEPS_PER_EPOCH),
        initial_epoch=min(done, phase_end),
        epochs=phase_end,
        steps_per_epoch=STEPS_PER_EPOCH,
        shuffle=False,
        validation_data=as_batch(valid[starts[:, None] + window]),
        validation_batch_size=batch_size,
        callbacks=[
            Progress(),
            keras.callbacks.CSVLogger(log, append=True),
            Backup(),
        ],
        verbose=2,
    )
    done = max(done, phase_end)

"""
## Save the preset, in half precision
"""

vocabulary = json.loads((work / "tokenizer.json").read_text())["model"]
merges = [" ".join(pair) for pair in vocabulary["merges"]]
tokenizer = keras_nlp.models.GPT2Tokenizer(vocabulary["vocab"], merges)
preprocessor = keras_nlp.models.GPT2CausalLMPreprocessor(
    tokenizer, sequence_length=MAX_SEQUENCE_LENGTH
)
half = keras_nlp.models.GPT2Backbone.from_config(
    {**backbone.get_config(), "dtype": "float16"}
)
half.set_weights(backbone.get_weights())
keras_nlp.models.GPT2CausalLM(half, preprocessor).save_to_preset(str(preset))

"""
## Bits per byte of what was saved

The whole validation text, in windows of the full length, in float32. Where it
is large, that takes minutes.
"""

keras.config.set_dtype_policy("float32")
saved = keras_nlp.models.GPT2CausalLM.from_preset(str(preset), dtype="float32")
scored = keras.Model(saved.input, saved.output)
scored.compile(loss=next_token_loss)
whole = (len(valid) - 1) // MAX_SEQUENCE_LENGTH * MAX_SEQUENCE_LENGTH
parts = [valid[whole : len(valid)][None]]
if whole:
    starts = np.arange(0, whole, MAX_SEQUENCE_LENGTH)
    parts.append(valid[starts[:, None] + np.arange(MAX_SEQUENCE_LENGTH + 1)])
nats = 0.0
for part in parts:
    if part.shape[1] > 1:
        inputs, targets = as_batch(part)
        loss = scored.evaluate(inputs, targets, batch_size=8, verbose=0)
        nats += loss * targets.size
result = nats / math.log(2) / sizes["valid"]["bytes"]

with open(log) as file:  # an epoch that a kill made run twice counts once
    history = {row["epoch"]: row for row in csv.DictReader(file)}.values()
backend = keras.backend.backend()
packages = ("keras", "keras-nlp", "tokenizers", "numpy", backend)
record = {
    "valid_bits_per_byte": result,
    "sizes": sizes,
    "settings": settings,
    "steps": int(model.optimizer.iterations),
    "wall_seconds": sum(float(row["wall_seconds"]) for row in history),
    "cpu_seconds": sum(float(row["cpu_seconds"]) for row in history),
    "history": [float(row["bits_per_byte"]) for row in history],
    "backend": backend,
    "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    "python": platform.python_version(),
    "versions": {name: importlib.metadata.version(name) for name in packages},
}
(arguments.folder / "record.json").write_text(json.dumps(record, indent=2))
length = min(64, MAX_SEQUENCE_LENGTH)
# Padding has the id of the end of a text: Keras would stop at once.
print(saved.generate("The history of", length, stop_token_ids=None))
print(f"validation bits per byte: {result:.4f}")
