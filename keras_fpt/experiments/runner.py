"""Trains experiments, evaluates them and writes their records.

A run that was killed goes on from its last evaluation, to the same numbers.
Experiments that share a frozen trunk train together on JAX.
"""

from __future__ import annotations

import datetime
import math
import pathlib
import tempfile
import time
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_fpt.checkpoints import describe_trunk
from keras_fpt.experiments import environment
from keras_fpt.experiments import records
from keras_fpt.experiments.checkpoint import RunCheckpoint
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.groups import Group
from keras_fpt.experiments.history import best_evaluation
from keras_fpt.experiments.history import has_diverged
from keras_fpt.experiments.history import is_over
from keras_fpt.experiments.history import steps_to_convergence
from keras_fpt.experiments.unfinished import file_name
from keras_fpt.frozen_model import FrozenModel
from keras_fpt.tasks.batches import Batches

EVALUATION_BATCH_SIZE = 250
Print = Callable[[str], Any]
Record = records.Record


def run(
    experiments: Sequence[Experiment],
    results_dir: pathlib.Path,
    print_fn: Print = print,
    presets: Mapping[str, str] | None = None,
) -> list[Record]:
    """Returns the records of experiments, read or from a new run.

    Under a cap of Keras (`KERAS_MAX_EPOCHS`, `KERAS_MAX_STEPS_PER_EPOCH`),
    records go to a temporary folder: they are no results.

    Args:
        experiments: sequence of `Experiment`. One, or a group that trains
            together.
        results_dir: path. Folder of the records.
        print_fn: callable. Takes a line at each evaluation. Defaults to
            `print`.
        presets: mapping from names of presets to folders, for those that no
            hub has. Defaults to `None`, none.
    """
    if is_capped():
        results_dir = pathlib.Path(tempfile.mkdtemp(prefix="capped-runs-"))
        print_fn(f"A capped run is no result: its record goes to {results_dir}")
    experiments = [each.on_trunk(presets or {}) for each in experiments]
    paths = [records.path_of(each, results_dir) for each in experiments]
    unfinished = results_dir / "unfinished"
    group = list(experiments)
    if not (unfinished / file_name(group)).exists():
        group = [
            each
            for each, path in zip(experiments, paths, strict=True)
            if not path.exists()
        ]
    if group:
        records.make_folder(unfinished)
        file = unfinished / file_name(group)
        trained = _train(group, file, print_fn, presets or {})
        for experiment, record in zip(group, trained, strict=True):
            # A kill may have come between the records of a group.
            if not records.path_of(experiment, results_dir).exists():
                records.write(record, results_dir)
        file.unlink(missing_ok=True)
    return [records.read(path) for path in paths]


def is_capped() -> bool:
    return (
        keras.config.max_epochs() is not None
        or keras.config.max_steps_per_epoch() is not None
    )


def _train(
    experiments: Sequence[Experiment],
    file: pathlib.Path,
    print_fn: Print,
    presets: Mapping[str, str],
) -> list[Record]:
    start = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    begin = time.perf_counter()
    environment.reset_peak_memory()
    first = experiments[0]
    tasks = _tasks(experiments)
    models: list[Any] = []
    for experiment, task in zip(experiments, tasks, strict=True):
        keras.utils.set_random_seed(experiment.seed)
        other = models[0] if models else None
        models.append(experiment.build(task, presets, other))
        models[-1].compile(
            **task.compile_args(experiment.learning_rate),
            steps_per_execution=_block_size(first.evaluate_every),
        )
    checkpoint = RunCheckpoint(models, file, experiments)
    if checkpoint.load():
        print_fn(f"goes on from step {checkpoint.state['step']}")
    state = checkpoint.state
    state.setdefault("start", start)
    before = state["seconds"]
    group, members = None, None
    # Same number of examples in memory as for a single run.
    batch_size = max(1, EVALUATION_BATCH_SIZE // len(experiments))
    validation = _once_each(
        tasks, lambda task: _validation(task, first.num_validation, batch_size)
    )
    while active := [
        i
        for i, history in enumerate(state["histories"])
        if not is_over(history, first.steps, first.patience)
    ]:
        if active != members:
            group, members = Group([models[i] for i in active]), active
        assert group is not None
        step = state["step"]
        steps = min(first.evaluate_every, first.steps - step)
        data = [
            tasks[i].train_data(
                experiments[i].batch_size, experiments[i].seed, start=step
            )
            for i in active
        ]
        training = time.perf_counter()
        logs = group.fit(data, steps, checkpoint.callback())
        state["training_seconds"] += time.perf_counter() - training
        state["step"] += steps
        scores = group.evaluate([validation[i] for i in active])
        for i, log, score in zip(active, logs, scores, strict=True):
            history = state["histories"][i]
            metric = tasks[i].metric
            history.append(_evaluation(state["step"], log, score, metric))
            if best_evaluation(history) is history[-1]:
                checkpoint.remember_best(i)
        state["seconds"] = before + time.perf_counter() - begin
        checkpoint.save()
        for i in active:
            evaluation = state["histories"][i][-1]
            print_fn(
                f"step {evaluation['step']}: loss {evaluation['loss']}, "
                f"validation {evaluation['validation']}"
            )
    if members != list(range(len(models))):
        group = Group(models)
    assert group is not None
    test = _once_each(tasks, lambda task: task.test_data(batch_size))
    return _records(experiments, tasks, test, checkpoint, group)


def _block_size(evaluate_every: int) -> int:
    """Steps of one dispatch on JAX: they divide those between evaluations.

    A block of another size would be compiled by itself.
    """
    if keras.backend.backend() != "jax":
        return 1
    # More than fifty save no more, and hold more batches in memory.
    return next(k for k in range(50, 0, -1) if evaluate_every % k == 0)


def _tasks(experiments: Sequence[Experiment]) -> list[Any]:
    """The task of each; equal ones are one object."""
    made: dict[Any, Any] = {}
    tasks = []
    for experiment in experiments:
        own = experiment.own_task
        options = (experiment.task, experiment.task_options)
        key = options if own is None else id(own)
        if key not in made:
            made[key] = experiment.make_task()
        tasks.append(made[key])
    return tasks


def _once_each(tasks: Sequence[Any], make: Callable[[Any], Any]) -> list[Any]:
    made: dict[int, Any] = {}
    for task in tasks:
        if id(task) not in made:
            made[id(task)] = make(task)
    return [made[id(task)] for task in tasks]


def _evaluation(
    step: int, log: dict[str, float], score: dict[str, float], metric: str
) -> Record:
    # JSON has no NaN.
    finite = math.isfinite(log["loss"])
    return {
        "step": step,
        "loss": log["loss"] if finite else None,
        "training": _number(log[metric]),
        "validation": _number(score[metric]) if finite else None,
    }


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _validation(task: Any, count: int | None, batch_size: int) -> Any:
    if count is None:
        return task.validation_data(batch_size)
    x, y = task.validation_examples()
    x = keras.tree.map_structure(lambda array: array[:count], x)
    return Batches((x, y[:count]), batch_size)


def _records(
    experiments: Sequence[Experiment],
    tasks: Sequence[Any],
    test: Sequence[Any],
    checkpoint: RunCheckpoint,
    group: Group,
) -> list[Record]:
    """Tests the last and the best values of each model."""
    state, models = checkpoint.state, checkpoint.models
    begin = time.perf_counter()
    at_last = group.evaluate(test)
    bests = [best_evaluation(history) for history in state["histories"]]
    earlier = [
        i
        for i, (best, history) in enumerate(
            zip(bests, state["histories"], strict=True)
        )
        if best is not None and best is not history[-1]
    ]
    for i in earlier:
        checkpoint.restore_best(i)
    at_best = group.evaluate(test) if earlier else at_last
    seconds = state["seconds"] + time.perf_counter() - begin
    samples = sum(
        history[-1]["step"] * experiment.batch_size
        for history, experiment in zip(
            state["histories"], experiments, strict=True
        )
    )
    written = []
    for i, experiment in enumerate(experiments):
        history, best, metric = state["histories"][i], bests[i], tasks[i].metric
        diverged = has_diverged(history)
        trained, total = (
            sum(math.prod(v.shape) for v in variables)
            for variables in (models[i].trainable_variables, models[i].weights)
        )
        written.append(
            {
                "schema": records.SCHEMA,
                "key": experiment.key,
                "versions": experiment.versions,
                "experiment": experiment.config(),
                "metric": metric,
                "history": history,
                "best_step": None if best is None else best["step"],
                "test_at_best": None
                if best is None
                else _number(at_best[i][metric]),
                "test_at_last": None
                if diverged
                else _number(at_last[i][metric]),
                "test_size": tasks[i].num_test_examples,
                "steps_to_convergence": steps_to_convergence(history),
                "diverged": diverged,
                "stopped_early": history[-1]["step"] < experiment.steps
                and not diverged,
                "parameters": {"trained": trained, "total": total},
                "trunk": _trunk(experiment, models[i]),
                "replicas": len(experiments),
                "samples_per_second": samples / state["training_seconds"],
                "peak_memory_mb": environment.peak_memory_mb(),
                "packages": environment.package_versions(),
                "backend": keras.backend.backend(),
                "device": environment.device(),
                "host": environment.cpu_name(),
                "commit": environment.commit(),
                "start": state["start"],
                "seconds": seconds,
                "interruptions": state["interruptions"],
            }
        )
    return written


def _trunk(experiment: Experiment, model: Any) -> dict[str, Any] | None:
    """What was frozen: in words, and as hashes of the values."""
    if not isinstance(model, FrozenModel):
        return None
    description = model.trunk.describe()
    config = model.get_config()
    if "initialization" in config:
        # By its name: where it lies is this machine's.
        named = dict(experiment.model_options).get("preset")
        trunk = config["trunk"]["config"]
        trunk["preset"] = named or trunk.get("preset")
        description = describe_trunk(config)
    return {
        "description": description,
        "pretrained_sha256": experiment.trunk_sha256,
        "frozen_sha256": model.frozen_sha256(),
    }
