"""Arguments of `compare`: read, or refused by name on one line."""

import numpy as np
import pytest

from keras_fpt.experiments import arguments


def test_what_is_read():
    assert arguments.read_rates([1e-3, np.float32(0.5), 1e-3]) == (1e-3, 0.5)
    assert arguments.read_counts(None) == (None,)
    assert arguments.read_counts([np.int64(8), None, 8]) == (8, None)
    arguments.check_minutes(0, None)
    arguments.check_minutes(1.5, None)
    arguments.check_kinds("gpt2_tiny_en", None, print)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: arguments.read_rates("1e-3"), "learning_rates='1e-3'"),
        (lambda: arguments.read_rates([True]), "positive numbers"),
        (lambda: arguments.read_rates([float("inf")]), "positive numbers"),
        (lambda: arguments.read_counts([2.5]), "examples=2.5"),
        (lambda: arguments.read_counts([]), r"examples=\[\]"),
        (lambda: arguments.check_minutes(-1, None), "minutes=-1"),
        (lambda: arguments.check_minutes("5", None), "minutes='5'"),
        (lambda: arguments.check_minutes(float("nan"), None), "minutes=nan"),
        (lambda: arguments.check_minutes(1, "auto"), "with a cluster"),
        (lambda: arguments.check_kinds(3, None, print), "trunk=3"),
        (lambda: arguments.check_kinds("a", "auto", print), "cluster='auto'"),
        (lambda: arguments.check_kinds("a", None, None), "print_fn=None"),
        (lambda: arguments.read_folder(None), "results_dir=None"),
        (lambda: arguments.read_folder(__file__), "Received a file"),
        (
            lambda: arguments.task_of(3, None, True, None, None),
            "`data` is.*Received: int",
        ),
        (
            lambda: arguments.task_of("bit_xor", None, True, "mse", None),
            "says its loss itself",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
