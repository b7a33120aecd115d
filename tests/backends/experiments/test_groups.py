"""Runs that train together end as each would alone."""

import keras
import pytest
from helpers.marks import jax_only

from keras_fpt.experiments import groups
from keras_fpt.experiments import records
from keras_fpt.experiments import runner
from keras_fpt.experiments import schedule
from keras_fpt.experiments import unfinished
from keras_fpt.experiments.experiment import options


@jax_only
def test_what_was_begun_together_goes_on_together(small_run, tmp_path):
    """Whatever is asked for after; and a record of one is no hindrance."""
    pair = [small_run, small_run.replace(learning_rate=3e-3)]

    def stop(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(pair, tmp_path, stop)
    assert unfinished.unfinished(tmp_path, {}) == [pair]
    assert schedule.run_missing(pair[:1], tmp_path) == 0
    found = records.read_all(tmp_path)
    assert {each.key for each in pair} == set(found)
    assert {record["interruptions"] for record in found.values()} == {1}
    assert unfinished.unfinished(tmp_path, {}) == []


@jax_only
def test_runs_together_are_those_alone(small_run, tiny_preset, tmp_path):
    """Rates and seeds; some stop early, one has no number for its loss."""
    small_run = small_run.replace(
        model_options=options(preset=tiny_preset), patience=2, steps=60
    )
    experiments = [
        *(
            small_run,
            small_run.replace(seed=1),
            small_run.replace(learning_rate=1e-5),
        ),
        small_run.replace(learning_rate=1e30),
    ]
    (group,) = groups.group_experiments(experiments, 4)
    assert group == experiments
    together = runner.run(group, tmp_path / "together", str)
    for experiment, found in zip(group, together, strict=True):
        (alone,) = runner.run([experiment], tmp_path / "alone", str)
        assert (found["replicas"], alone["replicas"]) == (4, 1)
        assert found["diverged"] == alone["diverged"]
        assert found["best_step"] == alone["best_step"]
        assert found["stopped_early"] == alone["stopped_early"]
        for name in ("test_at_best", "test_at_last"):
            assert found[name] == pytest.approx(alone[name], abs=0.02)
        for ours, theirs in zip(
            found["history"], alone["history"], strict=True
        ):
            assert ours["step"] == theirs["step"]
            if ours["loss"] is not None:
                assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-3)
    assert len({len(found["history"]) for found in together}) > 1


def test_which_runs_train_together(small_run, monkeypatch, tiny_preset):
    """Together is what shares a frozen trunk, on JAX alone."""
    pretrained = small_run.replace(model_options=options(preset=tiny_preset))
    full = options(preset=tiny_preset, initialization="random", finetune="full")
    experiments = [
        each.replace(seed=seed, learning_rate=rate)
        for each in (
            small_run,
            pretrained,
            small_run.replace(model_options=full),
        )
        for seed in (0, 1)
        for rate in (1e-3, 1e-2)
    ]
    grouped = groups.group_experiments(experiments, 3)
    assert sorted(e.key for each in grouped for e in each) == sorted(
        e.key for e in experiments
    )
    sizes = [len(each) for each in grouped]
    if keras.backend.backend() == "jax":
        assert sizes == [2, 2, 3, 1, 3, 1]
    else:
        assert sizes == [1] * 12
    # Where launches cost more than trunks, trunks of seeds go together, too.
    monkeypatch.setattr(groups, "_has_accelerator", lambda: True)
    if keras.backend.backend() == "jax":
        grouped = groups.group_experiments(experiments, 3)
        assert [len(each) for each in grouped] == [3, 1, 3, 1, 3, 1]
    # Batches of several lengths do not stack.
    padded = [
        pretrained.replace(
            task="listops", task_options=options(variant="lra"), seed=seed
        )
        for seed in (0, 1)
    ]
    assert groups.group_experiments(padded, 3) == [[each] for each in padded]
