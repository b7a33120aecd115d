"""Does the data keep up with the model? Streams of all tasks, in samples/s.

    python tables/benchmarks/data_throughput.py

prints, for each task, how many training samples a second its stream delivers
alone, batched and augmented, beside how many a training step of GPT-2 base
(random values; the paper's four groups trained; at most 2,048 tokens a step)
consumes on the same machine and backend. It takes seven minutes on two cores.
`--num-layers 0` measures the streams alone, in one.

MNIST and CIFAR-10 are read through tensorflow-datasets (`TFDS_DATA_DIR`),
remote homology from `TAPE_DATA_DIR`; a task whose data is not there is left
out, and the reason printed. The first reading is not measured: streams come
from memory. ListOps is generated once, in 15 seconds, and kept in the cache.
"""

import argparse
import os
import platform
import time

import keras
import numpy as np
from shapes import gpt2_base

import keras_fpt

# Task, variant and the least samples/s at which no GPU has to wait for it.
STREAMS = (
    ("bit_memory", "paper", 2_000),
    ("bit_xor", "paper", 50_000),
    ("listops", "paper", 2_000),
    ("listops", "lra", 2_000),
    ("mnist", "paper", 5_000),
    ("cifar10", "paper", 5_000),
    ("cifar10_lra", "paper", 5_000),
    ("cifar10_lra", "lra", 5_000),
    ("remote_homology", "paper", None),
)
STREAM_SECONDS = 3.0
TIMED_STEPS = 3
# Of a training step: more would not fit into 24 GB at 2,000 tokens a sample.
MAX_TOKENS = 2_048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=4)  # the paper's
    parser.add_argument("--num-layers", type=int, default=12)
    parser.add_argument("--tasks", nargs="*", help="names; all if left out")
    arguments = parser.parse_args()
    print(
        f"{keras.backend.backend()}, {os.cpu_count()} cores "
        f"({platform.machine()}); matrix products reach "
        f"{ceiling('float32'):.2f} TFLOP/s in float32, "
        f"{ceiling('bfloat16'):.2f} in bfloat16; batches of "
        f"{arguments.batch_size}, GPT-2 of {arguments.num_layers} layers\n"
    )
    print("| task | variant | stream, samples/s | goal | model, samples/s |")
    print("|---|---|---|---|---|")
    left_out = []
    for name, variant, goal in STREAMS:
        if arguments.tasks and name not in arguments.tasks:
            continue
        task = keras_fpt.tasks.get(name, variant=variant)
        try:
            delivered = stream_speed(task, arguments.batch_size)
        except (FileNotFoundError, ValueError) as error:
            left_out.append(f"{name}, {variant}, is left out: {error}")
            continue
        consumed = "-"
        if arguments.num_layers:
            consumed = f"{model_speed(task, arguments):,.1f}"
        print(
            f"| {name} | {variant} | {delivered:,.0f} "
            f"| {'-' if goal is None else format(goal, ',')} | {consumed} |",
            flush=True,
        )
    print("", *left_out, sep="\n")


def stream_speed(task: keras_fpt.tasks.Task, batch_size: int) -> float:
    """Samples a second that the training stream of a task delivers."""
    stream = task.train_data(batch_size)
    stream[0]  # the data is read here
    begin = time.perf_counter()
    position = 0
    while time.perf_counter() - begin < STREAM_SECONDS:
        position += 1
        stream[position]
    return position * batch_size / (time.perf_counter() - begin)


def model_speed(
    task: keras_fpt.tasks.Task, arguments: argparse.Namespace
) -> float:
    """Samples a second that training steps consume, over a few batches."""
    interface = task.inputs
    num_tokens = (
        interface["num_tokens"] if isinstance(interface, dict) else interface[0]
    )
    backbone = gpt2_base(arguments.num_layers)
    model = keras_fpt.FrozenPretrainedTransformer(
        backbone,
        task=task,
        num_positions=max(num_tokens, backbone.max_sequence_length),
    )
    model.compile(**task.compile_args())
    batch_size = max(1, min(arguments.batch_size, MAX_TOKENS // num_tokens))
    stream = task.train_data(batch_size)
    seconds = 0.0
    for position in range(TIMED_STEPS):  # batches may differ in length
        x, y = stream[position]
        model.train_on_batch(x, y)  # compiles
        begin = time.perf_counter()
        model.train_on_batch(x, y)
        seconds += time.perf_counter() - begin
    return TIMED_STEPS * batch_size / seconds


def ceiling(dtype: str, size: int = 2048, times: int = 5) -> float:
    """What a matrix product reaches here, in TFLOP/s: the best of a few."""
    matrix = keras.ops.ones((size, size), dtype)
    best = np.inf
    for _ in range(times + 1):  # the first one compiles
        begin = time.perf_counter()
        product = keras.ops.matmul(matrix, matrix)
        float(keras.ops.cast(product[0, 0], "float32"))  # waits for it
        best = min(best, time.perf_counter() - begin)
    return 2 * size**3 / best / 1e12


if __name__ == "__main__":
    main()
