"""Runs an experiment: trains, looks, tests, and writes its record.

A run that was killed goes on from its last look at the validation set, and ends
with the numbers of an unbroken one.
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
from progress import Progress

import keras_fpt

# Validation accuracy this near to the best counts as converged: half a point.
CONVERGED_WITHIN = 0.005
EVALUATION_BATCH_SIZE = 250


def run(
    experiment: Experiment,
    folder: pathlib.Path,
    print_fn: Callable[[str], Any] = print,
) -> dict[str, Any]:
    """Returns the record of an experiment, from its file or a run of it.

    Under a cap of Keras' (`KERAS_MAX_EPOCHS`, `KERAS_MAX_STEPS_PER_EPOCH`),
    the record goes to a temporary folder: it is no result.
    """
    capped = (
        keras.config.max_epochs() is not None
        or keras.config.max_steps_per_epoch() is not None
    )
    if capped:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="capped-runs-"))
        print_fn(f"A capped run is no result: its record goes to {folder}")
    path = records.path_of(experiment, folder)
    if path.exists():
        return records.read(path)
    records.make_folder(folder / "unfinished")
    file = folder / "unfinished" / f"{experiment.key}.npz"
    records.write(_train(experiment, file, print_fn), folder)
    file.unlink(missing_ok=True)
    return records.read(path)


def _train(
    experiment: Experiment, file: pathlib.Path, print_fn: Callable[[str], Any]
) -> dict[str, Any]:
    start = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    begin = time.perf_counter()
    machine.forget_peak()
    keras.utils.set_random_seed(experiment.seed)
    task = keras_fpt.tasks.get(experiment.task, **dict(experiment.task_options))
    model = models.build(experiment, task)
    model.compile(**task.compile_args(experiment.learning_rate))
    validation = _validation(task, experiment.num_validation)
    progress = Progress(model, file, experiment.key)
    if progress.load():
        print_fn(f"goes on from step {progress.state['step']}")
    state = progress.state
    state.setdefault("start", start)
    before = state["seconds"]
    while not _is_over(state, experiment):
        steps = min(experiment.evaluate_every, experiment.steps - state["step"])
        training = time.perf_counter()
        history = model.fit(
            task.train_data(
                experiment.batch_size, experiment.seed, start=state["step"]
            ),
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
            callbacks=[progress.callback()],
        ).history
        state["training_seconds"] += time.perf_counter() - training
        state["step"] += steps
        look = {
            "step": state["step"],
            "loss": history["loss"][0],
            "accuracy": history["accuracy"][0],
            "validation": None,
        }
        state["history"].append(look)
        if math.isfinite(look["loss"]):
            look["validation"] = _accuracy(model, validation)
            if best_look(state["history"]) is look:
                progress.note_best()
        else:  # JSON has no NaN
            look["loss"] = None
        state["seconds"] = before + time.perf_counter() - begin
        progress.save()
        print_fn(
            f"step {look['step']}: loss {look['loss']}, "
            f"validation {look['validation']}"
        )
    return _record(experiment, task, progress)


def _is_over(state: dict[str, Any], experiment: Experiment) -> bool:
    return (
        state["step"] >= experiment.steps
        or has_diverged(state["history"])
        or has_stopped(state["history"], experiment.patience)
    )


def has_diverged(history: Sequence[dict[str, Any]]) -> bool:
    """Whether the loss was not a number."""
    return bool(history) and history[-1]["loss"] is None


def has_stopped(
    history: Sequence[dict[str, Any]], patience: int | None
) -> bool:
    """Whether so many looks have passed since the best one."""
    best = best_look(history)
    if patience is None or best is None:
        return False
    since = [look for look in history if look["step"] > best["step"]]
    return len(since) >= patience


def best_look(history: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The first look with the best validation accuracy."""
    looks = [look for look in history if look["validation"] is not None]
    return max(looks, key=lambda look: look["validation"], default=None)


def steps_to_convergence(history: Sequence[dict[str, Any]]) -> int | None:
    """Steps until validation accuracy stays near the best it will reach.

    The first look from which on all are within half a point of the best;
    `None` if the last one is not, or the loss was not a number.
    """
    best = best_look(history)
    if best is None or has_diverged(history):
        return None
    step = None
    for look in reversed(history):
        if look["validation"] < best["validation"] - CONVERGED_WITHIN:
            break
        step = look["step"]
    return step


def _validation(task: Any, count: int | None) -> Any:
    if count is None:
        return task.validation_data(EVALUATION_BATCH_SIZE)
    x, y = task.validation_examples()
    x = keras.tree.map_structure(lambda array: array[:count], x)
    return x, y[:count]


def _accuracy(model: Any, data: Any) -> float:
    arguments = (
        {"x": data[0], "y": data[1], "batch_size": EVALUATION_BATCH_SIZE}
        if isinstance(data, tuple)
        else {"x": data}
    )
    results = model.evaluate(**arguments, verbose=0, return_dict=True)
    return float(results["accuracy"])


def _record(
    experiment: Experiment, task: Any, progress: Progress
) -> dict[str, Any]:
    model, state = progress.model, progress.state
    history = state["history"]
    diverged, best = has_diverged(history), best_look(history)
    begin = time.perf_counter()
    test = task.test_data(EVALUATION_BATCH_SIZE)
    at_last = None if diverged else _accuracy(model, test)
    at_best = at_last
    if best is not None and best is not history[-1]:
        progress.to_best()
        at_best = _accuracy(model, test)
    counts = [
        sum(math.prod(v.shape) for v in variables)
        for variables in (model.trainable_variables, model.weights)
    ]
    samples = state["step"] * experiment.batch_size
    return {
        "schema": records.SCHEMA,
        "key": experiment.key,
        "versions": experiment.versions,
        "experiment": experiment.config(),
        "history": history,
        "best_step": None if best is None else best["step"],
        "test_at_best": at_best,
        "test_at_last": at_last,
        "steps_to_convergence": steps_to_convergence(history),
        "diverged": diverged,
        "stopped_early": state["step"] < experiment.steps and not diverged,
        "parameters": {"trained": counts[0], "total": counts[1]},
        "samples_per_second": samples / state["training_seconds"],
        "peak_memory_mb": machine.memory(),
        "packages": machine.versions(),
        "backend": keras.backend.backend(),
        "device": _device(),
        "host": machine.processor(),
        "commit": machine.commit(),
        "start": state["start"],
        "seconds": state["seconds"] + time.perf_counter() - begin,
        "interruptions": state["interruptions"],
    }


def _device() -> str:
    """The accelerator that computes, or `"cpu"`."""
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        return (
            torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
        )
    if backend == "jax":
        import jax

        return jax.devices()[0].device_kind
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(d) for d in devices]
    return details[0].get("device_name", "gpu") if details else "cpu"
