"""When a run has converged, stopped or lost its loss."""

from keras_fpt.experiments import history


def at(step, validation, loss=1.0):
    return {
        "step": step,
        "loss": loss,
        "training": 0.5,
        "validation": validation,
    }


def test_convergence_is_where_it_stays_near_the_best():
    def steps(*accuracies):
        history_ = [at(10 * i, a) for i, a in enumerate(accuracies, 1)]
        return history.steps_to_convergence(history_)

    assert steps(0.5, 0.9, 0.896, 0.9) == 20
    assert steps(0.5, 0.9, 0.89, 0.9, 0.9, 0.9) == 40
    assert steps(0.5, 0.9, 0.5) is None
    assert history.steps_to_convergence([]) is None
    diverged = [at(10, 0.9), at(20, None, None)]
    assert history.steps_to_convergence(diverged) is None


def test_a_run_that_rises_until_its_end_has_not_converged():
    def steps(before, near):
        scores = [*[0.5] * before, *[0.9] * near]
        return history.steps_to_convergence(
            [at(10 * i, score) for i, score in enumerate(scores, 1)]
        )

    # The last evaluations, three or more of them ...
    assert steps(3, 2) is None and steps(2, 3) == 30
    # ... and the last fifth of the steps: 160 of 200 at the latest.
    assert steps(15, 5) == 160 and steps(16, 4) is None


def test_patience():
    history_ = [
        at(10, 0.5),
        at(20, 0.9),
        at(30, 0.8),
    ]
    assert not history.has_stopped(history_, None)
    assert not history.has_stopped(history_, 2)
    assert history.has_stopped([*history_, at(40, 0.9)], 2)


def test_what_is_over():
    history_ = [
        at(10, 0.5),
        at(20, 0.9),
        at(30, 0.8),
    ]
    assert history.is_over(history_, 30, None)
    assert not history.is_over(history_, 40, None)
    assert history.is_over([*history_, at(40, None, None)], 90, None)
    assert history.is_over([*history_, at(40, 0.9)], 90, 2)
    assert not history.is_over([], 90, 2)
