"""How much do replicas and blocks of steps save? One frozen trunk, on JAX.

    KERAS_BACKEND=jax python tables/benchmarks/replicas_throughput.py

trains the embedded trunk at the original code's batch of 4: by `model.fit` step
by step, by `model.fit` in blocks of 20 steps (`steps_per_execution`), and as 1,
4 and 16 replicas with data of their own (`keras_fpt.Replicas`) in such blocks.
They take turns. A line holds the task, how many replicas, steps of a block,
seconds a step and replica, those of a model alone and step by step in the same
run, how often as fast the replicas and the model in blocks are, and seconds of
the first `fit` of one block, which compiles, of all and of one alone.
Every measurement is a record in `results/benchmarks/replicas`, and is not
repeated. It takes a quarter of an hour on two cores.

    python tables/benchmarks/replicas_throughput.py --base --steps 200

is the same at the size of GPT-2 base, with random values, for a GPU.
"""

import argparse
import json
import pathlib
import statistics
import time

import keras
from shapes import gpt2_base

import keras_fpt
from keras_fpt.experiments import environment
from keras_fpt.files import write_json

RESULTS = pathlib.Path(__file__).parents[1] / "results/benchmarks/replicas"
TASKS = ("bit_xor", "bit_memory")
COUNTS = (1, 4, 16)
HEADING = """\
| task | trunk | device | replicas | block | s a step and replica | alone, s \
| times | in blocks, times | first fit, s | alone, s |
|---|---|---|---|---|---|---|---|---|---|---|"""
EMBEDDED, BASE = "gpt2_tiny_en", "GPT-2 base"
BATCH_SIZE = 4
ROUNDS = 5
BLOCK = 20  # steps of one dispatch


def make(trunk, task):
    """A model of one of the two trunks."""
    if trunk == EMBEDDED:
        return keras_fpt.FrozenPretrainedTransformer.from_preset(
            trunk, task=task
        )
    return keras_fpt.FrozenPretrainedTransformer(gpt2_base(), task=task)


def measure(name, trunk, count, steps):
    """Replicas and one model alone, in turns: a record."""
    task = keras_fpt.tasks.get(name)
    first = make(trunk, task)
    models = [first.sibling(task) for _ in range(count + 2)]
    for model in models:
        block = 1 if model is models[0] else BLOCK
        model.compile(**task.compile_args(), steps_per_execution=block)
    alone, in_blocks, *others = models
    replicas = keras_fpt.Replicas(others)
    data = [task.train_data(BATCH_SIZE, seed=i) for i in range(count)]

    def train(model):
        return lambda steps: model.fit(
            data[0], steps_per_epoch=steps, shuffle=False, verbose=0
        )

    def train_all(steps):
        replicas.fit(data, steps_per_epoch=steps)

    ways = {
        "replicas": train_all,
        "alone": train(alone),
        "blocks": train(in_blocks),
    }
    record = {
        "task": name,
        "trunk": trunk,
        "replicas": count,
        "batch_size": BATCH_SIZE,
        "block": BLOCK,
        "steps": steps,
        "first": {way: _seconds(fit, BLOCK) for way, fit in ways.items()},
        "turns": {way: [] for way in ways},
    }
    for _ in range(ROUNDS):
        for way, fit in ways.items():
            record["turns"][way].append(_seconds(fit, steps))
    return {
        **record,
        "packages": environment.package_versions(),
        "device": environment.device(),
        "host": environment.cpu_name(),
    }


def _seconds(fit, steps):
    begin = time.perf_counter()
    fit(steps)
    return time.perf_counter() - begin


def row(record):
    """One line of the table."""
    seconds = {
        way: statistics.median(turns) / record["steps"]
        for way, turns in record["turns"].items()
    }
    alone, each = seconds["alone"], seconds["replicas"] / record["replicas"]
    # Records of before there were blocks have none.
    blocks = f"{alone / seconds['blocks']:.2f}" if "blocks" in seconds else ""
    return (
        f"| {record['task']} | {record['trunk']} | {record['device']} "
        f"| {record['replicas']} | {record.get('block', 1)} "
        f"| {each:.4f} | {alone:.4f} | {alone / each:.2f} | {blocks} "
        f"| {record['first']['replicas']:.1f} "
        f"| {record['first']['alone']:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=TASKS)
    parser.add_argument("--base", action="store_true", help="GPT-2 base's size")
    parser.add_argument("--steps", type=int, default=40, help="of a turn")
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS)
    arguments = parser.parse_args()
    trunk = BASE if arguments.base else EMBEDDED
    arguments.results.mkdir(parents=True, exist_ok=True)
    print(HEADING)
    for name in arguments.tasks:
        for count in COUNTS:
            what = (name, trunk, environment.device(), str(count))
            file = "-".join(what).replace(" ", "_").lower() + ".json"
            file = arguments.results / file
            if not file.exists():
                keras.utils.set_random_seed(0)
                record = measure(name, trunk, count, arguments.steps)
                write_json(record, file)
            print(row(json.loads(file.read_text())), flush=True)


if __name__ == "__main__":
    main()
