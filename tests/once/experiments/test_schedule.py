"""The schedule: what is missing runs, what is locked or unknown waits."""

import pytest

from keras_fpt.experiments import runner
from keras_fpt.experiments import schedule
from keras_fpt.experiments.experiment import options
from keras_fpt.experiments.locks import locked


@pytest.fixture
def ran(monkeypatch):
    ran = []

    def run(group, *_):
        ran.extend(group)
        return [{"test_at_best": 0.5}] * len(group)

    monkeypatch.setattr(runner, "run", run)
    return ran


def test_what_another_process_runs_is_left_to_it(small_run, tmp_path, ran):
    lines = []
    other = small_run.replace(seed=1)
    with locked([small_run], tmp_path) as mine:
        assert mine
        # Together or not at all.
        pair = [small_run.replace(seed=2), small_run]
        with locked(pair, tmp_path) as again:
            assert not again
        with locked(pair[:1], tmp_path) as free:
            assert free
        left = schedule.run_missing(
            [small_run, other],
            tmp_path,
            replicas=1,
            print_fn=lines.append,
        )
        assert left == 1
    assert ran == [other]
    assert any("another process has it" in line for line in lines)
    assert schedule.run_missing([small_run], tmp_path) == 0
    assert ran[1:] == [small_run]


def test_a_preset_that_is_nowhere_is_asked_for(
    small_run, tiny_preset, tmp_path, ran
):
    lines = []
    named = small_run.replace(model_options=options(preset="tiny"))
    left = schedule.run_missing([named], tmp_path, print_fn=lines.append)
    assert left == 1 and not ran
    assert "--preset tiny=FOLDER" in lines[0]
    known = small_run.replace(model_options=options(preset="gpt2_tiny_en"))
    assert schedule.run_missing([known], tmp_path) == 0
    assert schedule.run_missing([named], tmp_path, {"tiny": tiny_preset}) == 0
    assert ran == [known, named]


def test_nothing_begins_after_the_time(small_run, tmp_path, ran):
    left = schedule.run_missing([small_run], tmp_path, minutes=0)
    assert left == 1 and not ran
