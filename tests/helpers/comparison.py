"""Runs of a comparison, made up: two rows, three rates, three seeds."""

from helpers.records import ONE
from helpers.records import make_record
from keras_fpt.experiments.results import Run

RATES = (1e-3, 3e-3, 1e-2)
# Test accuracy of a seed, at the rate that validation chooses.
TESTS = {"pretrained": (0.90, 0.91, 0.92), "no_trunk": (0.70, 0.72, 0.71)}


def make_runs(best_rate=3e-3, examples=None, missing=()):
    runs = []
    for row, tests in TESTS.items():
        for seed, test in enumerate(tests):
            for rate in RATES:
                experiment = ONE.replace(learning_rate=rate, seed=seed)
                good = rate == best_rate
                history = [
                    {
                        "step": 10,
                        "loss": 1.0,
                        "training": 0.5,
                        "validation": 0.9 if good else 0.5,
                    }
                ]
                record = make_record(
                    experiment,
                    history=history,
                    best_step=10,
                    # What validation did not choose is better in the test.
                    test_at_best=test if good else 0.99,
                )
                if (row, seed) in missing:
                    record = None
                runs.append(Run(row, examples, experiment, record))
    return runs
