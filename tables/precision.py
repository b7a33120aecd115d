"""Does precision change what is learned? Three precisions, three seeds.

    KERAS_BACKEND=torch python tables/precision.py

trains the embedded trunk on Bit XOR and on MNIST in 16 patches of 8 x 8
pixels, in float32, with frozen kernels in bfloat16 that are computed with in
bfloat16, and with frozen kernels in 8 bits, and prints mean and spread of the
test accuracy over seeds. The three precisions of a seed share data, input
layer, head and dropout's seed. Each run leaves a record in `results/precision`
and is not repeated. It takes half an hour on two cores; `--task` lets two
processes share it.

MNIST is read through tensorflow-datasets (`TFDS_DATA_DIR`).
"""

import argparse
import json
import pathlib
import statistics
import time

import keras
from files import write_json

import keras_fpt

RESULTS = pathlib.Path(__file__).parent / "results" / "precision"
PRECISIONS = {
    "float32": {},
    "bfloat16": {"dtype": "mixed_bfloat16", "quantization": "bfloat16"},
    "int8": {"quantization": "int8"},
}
SEEDS = (0, 1, 2)
BATCH_SIZE = 16
# What this trunk learned both tasks with among 3e-4, 1e-3 and 3e-3
# (results/pretraining_modality_*.csv).
LEARNING_RATE = 3e-3
STEPS = {"bit_xor": 600, "mnist": 400}
SIZES = {"bit_xor": {}, "mnist": {"patch_size": 8}}
NUM_TEST = 2_000  # of MNIST's 10,000


def run(name, precision, seed):
    """Trains one model; returns its record."""
    task = keras_fpt.tasks.get(name, **SIZES[name])
    begin = time.time()
    keras.utils.set_random_seed(seed)
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        "gpt2_tiny_en", task=task, **PRECISIONS[precision]
    )
    model.compile(**task.compile_args(LEARNING_RATE))
    history = model.fit(
        task.train_data(BATCH_SIZE, seed=seed),
        steps_per_epoch=STEPS[name],
        shuffle=False,
        verbose=0,
    ).history
    x, y = task.test_examples()
    _, test = model.evaluate(
        x[:NUM_TEST], y[:NUM_TEST], batch_size=250, verbose=0
    )
    return {
        "task": name,
        "precision": precision,
        "seed": seed,
        "steps": STEPS[name],
        "learning_rate": LEARNING_RATE,
        "loss": history["loss"][0],
        "test": float(test),
        "seconds": time.time() - begin,
        "backend": keras.backend.backend(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=tuple(SIZES), action="append")
    names = parser.parse_args().task or list(SIZES)
    RESULTS.mkdir(parents=True, exist_ok=True)
    print("| task | precision | test accuracy, % by seed | mean ± deviation |")
    print("|---|---|---|---|")
    for name in names:
        for precision in PRECISIONS:
            tests = []
            for seed in SEEDS:
                file = RESULTS / f"{name}-{precision}-{seed}.json"
                if not file.exists():
                    write_json(run(name, precision, seed), file)
                tests.append(100 * json.loads(file.read_text())["test"])
            print(
                f"| {name} | {precision} "
                f"| {', '.join(f'{test:.1f}' for test in tests)} "
                f"| {statistics.mean(tests):.1f} ± "
                f"{statistics.stdev(tests):.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
