"""Summaries of records: means, standard errors, chosen rates."""

import pytest
from helpers.records import ONE
from helpers.records import make_record

from keras_fpt.experiments import cells


def record(validation, test=0.5, **changes):
    history = [
        {"step": 10, "loss": 1.0, "training": 0.25, "validation": validation}
    ]
    fields = {"history": history, "best_step": 10, "test_at_best": test}
    return make_record(ONE, **{**fields, **changes})


def test_units():
    one = record(0.5, 0.75)
    assert cells.value_of(one, "score") == 0.75
    assert cells.value_of(one, "accuracy_percent") == 75
    assert cells.value_of(one, "train_accuracy_percent") == 25


def rising(*validations, **changes):
    """A run of ten steps an evaluation."""
    history = [
        {"step": 10 * i, "loss": 1.0, "training": 0.5, "validation": each}
        for i, each in enumerate(validations, 1)
    ]
    return record(0.5, history=history, **changes)


CONVERGED = rising(0.5, 0.9, 0.9, 0.9, 0.9)


def test_steps_follow_from_the_history():
    assert cells.value_of(CONVERGED, "gradient_steps") == 20
    former = {**CONVERGED, "steps_to_convergence": 50}
    assert cells.value_of(former, "gradient_steps") == 20
    lost = {**CONVERGED, "diverged": True}
    assert cells.value_of(lost, "gradient_steps") is None


def test_runs_that_have_not_converged_make_a_bound():
    open_end = rising(0.5, 0.6, 0.7, 0.8, 0.9)
    summary = cells.summarize([CONVERGED, open_end], "gradient_steps")
    # 20 steps, and more than the 50 that were made.
    assert (summary.bound, summary.mean, summary.error) == (">", 35, None)
    assert summary.count == 2
    assert not cells.summarize([CONVERGED] * 2, "gradient_steps").bound
    # What has no steps is no bound.
    assert not cells.summarize([open_end], "score").bound


def test_the_rate_is_chosen_by_validation():
    runs = {
        1e-3: [record(0.6, 0.9), record(0.6, 0.9)],
        1e-2: [record(0.8, 0.1), record(0.7, 0.1)],
    }
    assert cells.chosen_rate(runs) == 1e-2
    # One lucky seed is no match for two.
    runs[1e-1] = [record(0.99)]
    assert cells.chosen_rate(runs) == 1e-2
    assert cells.chosen_rate({1e-3: []}) is None


def test_a_rate_that_diverged_before_it_was_evaluated_is_not_chosen():
    runs = {1e-3: [record(0.3)], 1.0: [record(None)]}
    assert cells.chosen_rate(runs) == 1e-3


def test_mean_and_standard_error():
    records = [record(0.5, 0.4), record(0.5, 0.6), record(0.5, 0.8)]
    summary = cells.summarize(records, "score")
    assert summary.mean == pytest.approx(0.6)
    assert summary.error == pytest.approx(0.2 / 3**0.5)
    assert (summary.count, summary.diverged) == (3, 0)
    assert cells.summarize(records[:1], "score").error is None
    lost = record(None, None, diverged=True)
    assert cells.summarize([lost], "score") is None
    assert cells.summarize([*records, lost], "score").diverged == 1


def test_runs_of_the_former_optimizer_are_counted():
    former = record(0.5, versions={"task": 1, "model": 1})
    assert cells.summarize([former, record(0.5)], "score").former == 1
