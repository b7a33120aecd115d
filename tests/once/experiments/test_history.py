"""When a run has converged, stopped or lost its loss."""

import history


def look(step, validation, loss=1.0):
    return {
        "step": step,
        "loss": loss,
        "accuracy": 0.5,
        "validation": validation,
    }


def test_convergence_is_where_it_stays_near_the_best():
    def steps(*accuracies):
        looks = [look(10 * i, a) for i, a in enumerate(accuracies, 1)]
        return history.steps_to_convergence(looks)

    assert steps(0.5, 0.9, 0.896, 0.9) == 20
    assert steps(0.5, 0.9, 0.89, 0.9) == 40
    assert steps(0.5, 0.9, 0.5) is None
    assert steps(0.9) == 10
    assert history.steps_to_convergence([]) is None
    diverged = [look(10, 0.9), look(20, None, None)]
    assert history.steps_to_convergence(diverged) is None


def test_patience():
    looks = [look(10, 0.5), look(20, 0.9), look(30, 0.8)]
    assert not history.has_stopped(looks, None)
    assert not history.has_stopped(looks, 2)
    assert history.has_stopped([*looks, look(40, 0.9)], 2)


def test_what_is_over():
    looks = [look(10, 0.5), look(20, 0.9), look(30, 0.8)]
    assert history.is_over(looks, 30, None)
    assert not history.is_over(looks, 40, None)
    assert history.is_over([*looks, look(40, None, None)], 90, None)
    assert history.is_over([*looks, look(40, 0.9)], 90, 2)
    assert not history.is_over([], 90, 2)
