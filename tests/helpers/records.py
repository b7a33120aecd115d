"""One experiment, and a record of any."""

import json

from keras_fpt.experiments import records
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.experiment import options

ONE = Experiment(
    task="bit_xor",
    model="fpt",
    steps=20,
    evaluate_every=10,
    learning_rate=1e-3,
    scale="cpu",
    task_options=options(num_bits=4),
    model_options=options(preset="gpt2_tiny_en", finetune=("fpt", "attention")),
    seed=1,
)


def make_record(of, **changes):
    """A record as a run would write it."""
    record = {
        "schema": records.SCHEMA,
        "key": of.key,
        "versions": of.versions,
        "experiment": of.config(),
        "metric": "accuracy",
        "history": [
            {"step": 10, "loss": 0.7, "training": 0.5, "validation": 0.6},
            {"step": 20, "loss": 0.5, "training": 0.8, "validation": 0.75},
        ],
        "best_step": 20,
        "test_at_best": 0.7,
        "test_at_last": 0.7,
        "test_size": 1024,
        "steps_to_convergence": 20,
        "diverged": False,
        "stopped_early": False,
        "parameters": {"trained": 10, "total": 100},
        "trunk": None,
        "replicas": 1,
        "samples_per_second": 12.5,
        "peak_memory_mb": 300.0,
        "packages": {"keras": "3.15.1"},
        "backend": "jax",
        "device": "cpu",
        "host": "a processor, 2 cores",
        "commit": None,
        "start": "2026-11-25T12:00:00+00:00",
        "seconds": 3.5,
        "interruptions": 0,
    }
    # As it comes out of a file.
    return json.loads(json.dumps({**record, **changes}))
