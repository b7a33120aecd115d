"""Numbers of a difference as a reader sees them."""

import pytest

from keras_fpt.experiments.statistics import Difference
from keras_fpt.experiments.units import Units


def written(metric, mean, low, high, **options):
    units = Units(metric, Difference((mean, mean), (low, high), **options))
    return units.signed, units.size, units.interval


def test_accuracies_are_points():
    assert written("accuracy", 0.18, 0.162, 0.198) == (
        "+18.0 points",
        "18.0 points",
        "[16.2, 19.8]",
    )
    assert written("accuracy", -0.004, -0.011, 0.003) == (
        "-0.4 points",
        "0.4 points",
        "[-1.1, 0.3]",
    )


def test_other_metrics_are_plain_numbers():
    assert written("r2", 0.1234, 0.1, 0.1468)[0] == "+0.123"
    assert written("r2", 0.1234, 0.1, 0.1468)[2] == "[0.100, 0.147]"
    assert written("mse", 1234.5, 1200, 1269) == (
        "+1234",
        "1234",
        "[1200, 1269]",
    )
    assert written("mse", 2e-6, 1e-6, 3e-6)[2] == "[0.00000100, 0.00000300]"


def test_no_number_but_zero_reads_as_zero():
    assert written("accuracy", 0.0003, 0.0001, 0.0005)[2] == "[0.01, 0.05]"
    assert written("accuracy", 0.05, 0.00004, 0.1)[2] == "[0.004, 10.000]"
    assert written("accuracy", 0.0, 0.0, 0.0) == (
        "0.0 points",
        "0.0 points",
        "[0.0, 0.0]",
    )
    assert written("r2", 0.0, 0.0, 0.0)[0] == "0.0"
    # Zero up to rounding of the mean.
    for mean in (1e-17, -1e-17):
        signed, _, interval = written("accuracy", mean, -0.01, 0.01)
        assert (signed, interval) == ("0.0 points", "[-1.0, 1.0]")


def test_a_lower_error_is_a_positive_number():
    lower = written("mse", -2.0, -2.5, -1.5, higher_is_better=False)
    assert lower == ("+2.00", "2.00", "[1.50, 2.50]")


@pytest.mark.parametrize("interval", [None, (0.1, 0.3)])
def test_interval_may_be_missing(interval):
    units = Units("accuracy", Difference((0.2,), interval))
    assert units.signed == "+20.0 points"
    assert units.plain(0.01) == "1.0 points"
