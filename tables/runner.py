"""Runs experiments: trains, looks, tests, and writes their records.

What was killed goes on from its last look at the validation set, and ends with
the numbers of an unbroken run. Experiments that share a frozen trunk train
together on JAX.
"""

from __future__ import annotations

import datetime
import math
import pathlib
import tempfile
import time
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
import machine
import models
import records
from experiment import Experiment
from history import best_look
from history import has_diverged
from history import is_over
from history import steps_to_convergence
from progress import Progress
from progress import file_name
from team import Team

import keras_fpt
from keras_fpt.tasks.batches import Batches

EVALUATION_BATCH_SIZE = 250
Print = Callable[[str], Any]
Record = dict[str, Any]


def run(
    experiments: Sequence[Experiment],
    folder: pathlib.Path,
    print_fn: Print = print,
) -> list[Record]:
    """Returns the records of experiments, from their files or a run of them.

    Under a cap of Keras' (`KERAS_MAX_EPOCHS`, `KERAS_MAX_STEPS_PER_EPOCH`),
    records go to a temporary folder: they are no results.

    Args:
        experiments: sequence of `Experiment`. One, or several that `teams`
            has put together: they train in step.
        folder: path. Of the records.
        print_fn: callable. Takes a line at each look.
    """
    if is_capped():
        folder = pathlib.Path(tempfile.mkdtemp(prefix="capped-runs-"))
        print_fn(f"A capped run is no result: its record goes to {folder}")
    paths = [records.path_of(each, folder) for each in experiments]
    unfinished = folder / "unfinished"
    team = list(experiments)
    if not (unfinished / file_name(team)).exists():
        team = [
            each
            for each, path in zip(experiments, paths, strict=True)
            if not path.exists()
        ]
    if team:
        records.make_folder(unfinished)
        file = unfinished / file_name(team)
        for record in _train(team, file, print_fn):
            # A kill may have come between the records of a team.
            experiment = Experiment.from_config(record["experiment"])
            if not records.path_of(experiment, folder).exists():
                records.write(record, folder)
        file.unlink(missing_ok=True)
    return [records.read(path) for path in paths]


def is_capped() -> bool:
    return (
        keras.config.max_epochs() is not None
        or keras.config.max_steps_per_epoch() is not None
    )


def _train(
    experiments: Sequence[Experiment], file: pathlib.Path, print_fn: Print
) -> list[Record]:
    start = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    begin = time.perf_counter()
    machine.forget_peak()
    first = experiments[0]
    task = keras_fpt.tasks.get(first.task, **dict(first.task_options))
    built = []
    for experiment in experiments:
        keras.utils.set_random_seed(experiment.seed)
        built.append(models.build(experiment, task))
        built[-1].compile(**task.compile_args(experiment.learning_rate))
    progress = Progress(built, file, experiments)
    if progress.load():
        print_fn(f"goes on from step {progress.state['step']}")
    state = progress.state
    state.setdefault("start", start)
    before = state["seconds"]
    team, members = None, None
    # As many examples at once as of one alone.
    batch_size = max(1, EVALUATION_BATCH_SIZE // len(experiments))
    validation = _validation(task, first.num_validation, batch_size)
    while active := [
        i
        for i, history in enumerate(state["histories"])
        if not is_over(history, first.steps, first.patience)
    ]:
        if active != members:
            team, members = Team([built[i] for i in active]), active
        step = state["step"]
        steps = min(first.evaluate_every, first.steps - step)
        data = [
            task.train_data(
                experiments[i].batch_size, experiments[i].seed, start=step
            )
            for i in active
        ]
        training = time.perf_counter()
        logs = team.fit(data, steps, progress.callback())
        state["training_seconds"] += time.perf_counter() - training
        state["step"] += steps
        accuracies = team.accuracies(validation)
        for i, log, accuracy in zip(active, logs, accuracies, strict=True):
            history = state["histories"][i]
            history.append(_look(state["step"], log, accuracy))
            if best_look(history) is history[-1]:
                progress.note_best(i)
        state["seconds"] = before + time.perf_counter() - begin
        progress.save()
        for i in active:
            look = state["histories"][i][-1]
            print_fn(
                f"step {look['step']}: loss {look['loss']}, "
                f"validation {look['validation']}"
            )
    if members != list(range(len(built))):
        team = Team(built)
    return _records(experiments, task.test_data(batch_size), progress, team)


def _look(step: int, log: dict[str, float], accuracy: float) -> Record:
    # JSON has no NaN.
    finite = math.isfinite(log["loss"])
    return {
        "step": step,
        "loss": log["loss"] if finite else None,
        "accuracy": log["accuracy"],
        "validation": accuracy if finite else None,
    }


def _validation(task: Any, count: int | None, batch_size: int) -> Any:
    if count is None:
        return task.validation_data(batch_size)
    x, y = task.validation_examples()
    x = keras.tree.map_structure(lambda array: array[:count], x)
    return Batches((x, y[:count]), batch_size)


def _records(
    experiments: Sequence[Experiment],
    test: Any,
    progress: Progress,
    team: Team,
) -> list[Record]:
    """Tests the last and the best values of each model, and notes it all."""
    state, built = progress.state, progress.models
    begin = time.perf_counter()
    at_last = team.accuracies(test)
    bests = [best_look(history) for history in state["histories"]]
    earlier = [
        i
        for i, (best, history) in enumerate(
            zip(bests, state["histories"], strict=True)
        )
        if best is not None and best is not history[-1]
    ]
    for i in earlier:
        progress.to_best(i)
    at_best = team.accuracies(test) if earlier else at_last
    seconds = state["seconds"] + time.perf_counter() - begin
    samples = sum(
        history[-1]["step"] * experiment.batch_size
        for history, experiment in zip(
            state["histories"], experiments, strict=True
        )
    )
    found = []
    for i, experiment in enumerate(experiments):
        history, best = state["histories"][i], bests[i]
        diverged = has_diverged(history)
        trained, total = (
            sum(math.prod(v.shape) for v in variables)
            for variables in (built[i].trainable_variables, built[i].weights)
        )
        found.append(
            {
                "schema": records.SCHEMA,
                "key": experiment.key,
                "versions": experiment.versions,
                "experiment": experiment.config(),
                "history": history,
                "best_step": None if best is None else best["step"],
                "test_at_best": None if best is None else at_best[i],
                "test_at_last": None if diverged else at_last[i],
                "steps_to_convergence": steps_to_convergence(history),
                "diverged": diverged,
                "stopped_early": history[-1]["step"] < experiment.steps
                and not diverged,
                "parameters": {"trained": trained, "total": total},
                "replicas": len(experiments),
                "samples_per_second": samples / state["training_seconds"],
                "peak_memory_mb": machine.memory(),
                "packages": machine.versions(),
                "backend": keras.backend.backend(),
                "device": machine.device(),
                "host": machine.processor(),
                "commit": machine.commit(),
                "start": state["start"],
                "seconds": seconds,
                "interruptions": state["interruptions"],
            }
        )
    return found
