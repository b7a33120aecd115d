"""How fast does it train? The library beside a hand-written PyTorch loop.

    python tables/benchmarks/throughput.py cifar10 bit_xor

measures GPT-2 base with the paper's four groups trained (dropout 0.1, Adam,
clipping): seconds a training step and an evaluated batch, seconds until the
first step is done, and peak memory above that of the imports, while the model
is built and while it trains. Each arm, a backend and a policy of the library,
is a process of its own: `frozen_bfloat16` is `dtype="mixed_bfloat16"` with
`quantization="bfloat16"`. Beside it runs the loop around
`transformers.GPT2Model` in float32, and the two take turns, so that noise hits
both alike; what counts is the ratio of their medians. Before, both train three
steps without dropout from the same values: equal losses show that the work is
the same.

A line holds the shape, the arm, its seconds a step, the loop's, how often as
fast that is, the same of evaluation, seconds to the first step of the arm and
the loop, peak memory of training in MB, its share of the loop's, and what
matrix products of 2048 x 2048 reach, by PyTorch in float32 and bfloat16, in
TFLOP/s. Every measurement is a record in
`results/benchmarks/throughput`, and is not
repeated. Four shapes and ten arms take two hours on two cores; `--num-layers 2`
is a quick look.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

from keras_fpt.experiments import environment
from keras_fpt.files import write_json

HERE = pathlib.Path(__file__).parent
RESULTS = HERE.parent / "results" / "benchmarks" / "throughput"
SHAPES = ("bit_xor", "bit_memory", "cifar10", "cifar10_lra")
LOOP = ("hugging_face", "float32")
ARMS = (
    ("hugging_face", "autocast_bfloat16"),
    *(
        (backend, policy)
        for backend in ("torch", "jax", "tensorflow")
        for policy in ("float32", "mixed_bfloat16", "frozen_bfloat16")
    ),
)
HEADING = """\
| shape | arm | policy | s a step | loop, s | times | evaluation, times \
| first step, s | loop, s | memory, MB | of the loop's | TFLOP/s |
|---|---|---|---|---|---|---|---|---|---|---|---|"""
ROUNDS = 4
SECONDS = 4.0  # of one turn
TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2}  # bfloat16 keeps 8 bits


class Arm:
    """A process that answers a line by a line."""

    def __init__(self, arm, folder, shape, dropout):
        kind, policy = arm
        # The loop imports Keras too, for its measurements: on its own backend.
        backend = "torch" if kind == "hugging_face" else kind
        self.process = subprocess.Popen(
            [
                *(sys.executable, HERE / "throughput_arm.py", kind, policy),
                *(str(folder), shape, str(dropout)),
            ],
            env={**os.environ, "KERAS_BACKEND": backend},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, *command):
        print(*command, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise ChildProcessError(
                f"An arm ended at {command}, with status "
                f"{self.process.wait()}: its own message stands above"
            )
        return json.loads(answer)


def make_trunk(num_layers, folder):
    """A GPT-2 with random values, in a folder of Hugging Face's form."""
    import transformers

    # The trunk has no token table: the smallest one will do.
    config = transformers.GPT2Config(
        vocab_size=4, n_layer=num_layers, bos_token_id=None, eos_token_id=None
    )
    transformers.set_seed(0)
    transformers.GPT2Model(config).save_pretrained(folder)


def compare(arm, folder, shape):
    """An arm beside the loop: a record."""
    losses = []
    for which in (LOOP, arm):
        with Arm(which, folder, shape, 0.0) as process:
            losses.append(process.ask("losses", 3))
    largest = float(np.abs(np.subtract(*losses)).max())
    precision = "bfloat16" if "bfloat16" in arm[1] else "float32"
    if not largest < TOLERANCE[precision]:
        raise ValueError(
            f"{arm} does other work than the loop: expected equal losses "
            f"without dropout. Received {losses}"
        )
    with (
        Arm(LOOP, folder, shape, 0.1) as loop,
        Arm(arm, folder, shape, 0.1) as other,
    ):
        both = (loop, other)
        record = {
            "first": [process.ask("first") for process in both],
            "ceilings": {
                dtype: loop.ask("ceiling", dtype)
                for dtype in ("float32", "bfloat16")
            },
        }
        for what in ("train", "evaluate"):
            for process in both:  # compiles
                process.ask(what, 1)
            steps = [
                max(1, round(SECONDS / process.ask(what, 1)))
                for process in both
            ]
            turns = [
                [p.ask(what, n) for p, n in zip(both, steps, strict=True)]
                for _ in range(ROUNDS)
            ]
            record[what] = np.transpose(turns).tolist()
            if what == "train":
                record["memory"] = [process.ask("memory") for process in both]
    return {**record, "loss_difference": largest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="*", default=SHAPES)
    parser.add_argument("--num-layers", type=int, default=12)
    parser.add_argument("--backends", nargs="*", help="all if left out")
    parser.add_argument("--policies", nargs="*", help="all if left out")
    arguments = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    print(HEADING)
    with tempfile.TemporaryDirectory() as folder:
        make_trunk(arguments.num_layers, folder)
        for shape in arguments.shapes:
            for arm in ARMS:
                chosen = (arguments.backends, arguments.policies)
                if any(
                    only and value not in only
                    for value, only in zip(arm, chosen, strict=True)
                ):
                    continue
                name = "-".join((shape, *arm, str(arguments.num_layers)))
                file = RESULTS / f"{name}.json"
                if not file.exists():
                    measure(file, arm, folder, shape, arguments.num_layers)
                print(row(json.loads(file.read_text())), flush=True)


def measure(file, arm, folder, shape, num_layers) -> None:
    """Writes the record of one comparison, whole or not at all."""
    record = {
        "shape": shape,
        "backend": arm[0],
        "policy": arm[1],
        "num_layers": num_layers,
        **compare(arm, folder, shape),
        "packages": environment.package_versions(),
        "host": environment.cpu_name(),
    }
    write_json(record, file)


def row(record):
    """One line of the table: the arm, and how often as fast as the loop."""
    train, evaluate = (
        [statistics.median(seconds) for seconds in record[what]]
        for what in ("train", "evaluate")
    )
    memory = [one["training"] for one in record["memory"]]
    return (
        f"| {record['shape']} | {record['backend']} | {record['policy']} "
        f"| {train[1]:.3f} | {train[0]:.3f} | {train[0] / train[1]:.2f} "
        f"| {evaluate[0] / evaluate[1]:.2f} "
        f"| {record['first'][1]:.1f} | {record['first'][0]:.1f} "
        f"| {memory[1]:,.0f} | {memory[1] / memory[0]:.2f} "
        f"| {' / '.join(f'{v:.2f}' for v in record['ceilings'].values())} |"
    )


if __name__ == "__main__":
    main()
