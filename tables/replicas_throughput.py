"""How much do replicas save? Many runs on one frozen trunk, on JAX.

    KERAS_BACKEND=jax python tables/replicas_throughput.py

trains the embedded trunk at the original code's batch of 4, by `model.fit`
alone and as 1, 4 and 16 replicas with data of their own (`keras_fpt.Replicas`).
They take turns. A line holds the task, how many replicas, seconds a step and
replica, those of a model alone in the same run, how often as fast that is, and
seconds of the first `fit` of one step, which compiles, of all and of one alone.
Every measurement is a record in `results/replicas`, and is not repeated. It
takes ten minutes on two cores.
"""

import argparse
import json
import pathlib
import statistics
import time

import keras
import machine
from files import write_json

import keras_fpt

RESULTS = pathlib.Path(__file__).parent / "results" / "replicas"
TASKS = ("bit_xor", "bit_memory")
COUNTS = (1, 4, 16)
HEADING = """\
| task | replicas | s a step and replica | alone, s | times | first fit, s \
| alone, s |
|---|---|---|---|---|---|---|"""
BATCH_SIZE = 4
STEPS = 20  # of one turn
ROUNDS = 5


def measure(name, count):
    """Replicas and one model alone, in turns: a record."""
    task = keras_fpt.tasks.get(name)
    first = keras_fpt.FrozenPretrainedTransformer.from_preset(
        "gpt2_tiny_en", task=task
    )
    models = [first.sibling(task) for _ in range(count + 1)]
    for model in models:
        model.compile(**task.compile_args())
    alone, replicas = models[0], keras_fpt.Replicas(models[1:])
    data = [task.train_data(BATCH_SIZE, seed=i) for i in range(count)]

    def train_alone(steps):
        alone.fit(data[0], steps_per_epoch=steps, shuffle=False, verbose=0)

    def train_all(steps):
        replicas.fit(data, steps_per_epoch=steps)

    ways = {"replicas": train_all, "alone": train_alone}
    record = {
        "task": name,
        "replicas": count,
        "batch_size": BATCH_SIZE,
        "steps": STEPS,
        "first": {way: _seconds(fit, 1) for way, fit in ways.items()},
        "turns": {way: [] for way in ways},
    }
    for _ in range(ROUNDS):
        for way, fit in ways.items():
            record["turns"][way].append(_seconds(fit, STEPS))
    return {
        **record,
        "packages": machine.versions(),
        "host": machine.processor(),
    }


def _seconds(fit, steps):
    begin = time.perf_counter()
    fit(steps)
    return time.perf_counter() - begin


def row(record):
    """One line of the table."""
    together, alone = (
        statistics.median(record["turns"][way]) / record["steps"]
        for way in ("replicas", "alone")
    )
    each = together / record["replicas"]
    return (
        f"| {record['task']} | {record['replicas']} | {each:.4f} "
        f"| {alone:.4f} | {alone / each:.2f} "
        f"| {record['first']['replicas']:.1f} "
        f"| {record['first']['alone']:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=TASKS)
    arguments = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    print(HEADING)
    for name in arguments.tasks:
        for count in COUNTS:
            file = RESULTS / f"{name}-{count}.json"
            if not file.exists():
                keras.utils.set_random_seed(0)
                write_json(measure(name, count), file)
            print(row(json.loads(file.read_text())), flush=True)


if __name__ == "__main__":
    main()
