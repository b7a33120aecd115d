"""Spreads runs over a Ray cluster: a process each, records pulled back."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_fpt.experiments import environment
from keras_fpt.experiments import records
from keras_fpt.experiments import runner
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.locks import locked

RETRIES = 3  # of runs whose worker was lost
IN_FLIGHT = 200  # each holds a file open
# Environment variables that a worker needs.
FORWARDED = ("KERAS_", "JAX_", "XLA_", "TF_", "TFDS_DATA_DIR", "TAPE_DATA_DIR")


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A Ray cluster, and what a run takes of it.

    Args:
        address: string. Of a running cluster: `"auto"` for the one that this
            machine is part of, or `"ray://..."`; `"local"` starts one here.
        cpus: float. Cores of a run. Defaults to `1`.
        gpus: float. GPUs of a run; half a one shares it with another.
            Defaults to `0`.
    """

    address: str
    cpus: float = 1
    gpus: float = 0

    def run(
        self,
        groups: Sequence[Sequence[Experiment]],
        results_dir: pathlib.Path,
        presets: Mapping[str, str],
        print_fn: Callable[[str], Any] = print,
    ) -> list[Experiment]:
        """Writes the records of groups of experiments to a folder.

        Runs of a lost worker are retried, from the last checkpoint if the
        folder is shared. Tasks and models of your own travel with the runs.

        Returns:
            Runs that are not done: they have failed for good, or another
            process has them.

        Raises:
            ValueError: if a run takes more than the cluster that is started
                here has.
        """
        try:
            import ray
        except ImportError as error:
            raise ImportError(
                "Runs are spread by Ray, which is not installed: "
                "`pip install 'keras_fpt[ray]'`"
            ) from error
        if not groups:
            return []
        presets = _absolute(presets)
        scratch = self.scratch(results_dir)
        records.make_folder(scratch)
        ray.init(
            address=self.address,
            include_dashboard=False if self.address == "local" else None,
            log_to_driver=False,
            runtime_env=self._runtime(),
        )
        for module in _modules_of(groups):
            ray.cloudpickle.register_pickle_by_value(module)
        # A process per group: memory and random states are its own.
        remote = ray.remote(
            num_cpus=self.cpus,
            num_gpus=self.gpus,
            max_retries=RETRIES,
            max_calls=1,
        )(run_remotely)
        left: list[Experiment] = []
        queue = list(groups)
        waiting: dict[Any, Any] = {}
        try:
            self._check(ray.cluster_resources(), print_fn)
            while queue or waiting:
                while queue and len(waiting) < IN_FLIGHT:
                    group = queue.pop(0)
                    lock = contextlib.ExitStack()
                    if lock.enter_context(locked(group, results_dir)):
                        missing = [
                            each
                            for each in group
                            # Another process may have done it by now.
                            if not records.path_of(each, results_dir).exists()
                        ]
                        run = remote.remote(missing, str(scratch), presets)
                        waiting[run] = group, lock
                    else:
                        lock.close()
                        print_fn(f"{group[0]}: another process has it")
                        left += group
                if not waiting:
                    break
                (done,), _ = ray.wait(list(waiting), num_returns=1)
                group, lock = waiting.pop(done)
                with lock:
                    try:
                        found = ray.get(done)
                        save_records(found, results_dir, scratch, print_fn)
                    except (ray.exceptions.RayError, ValueError) as error:
                        left += group
                        print_fn(f"{group[0]}: failed: {error}")
        finally:
            for _, lock in waiting.values():
                lock.close()
            ray.shutdown()
        for each in (scratch / "unfinished", scratch):
            with contextlib.suppress(OSError):  # of another process, or failed
                each.rmdir()
        return left

    def scratch(self, results_dir: pathlib.Path) -> pathlib.Path:
        """Where workers keep what is not done, if they see the folder."""
        return results_dir.resolve() / "ray"

    def _check(self, resources: dict[str, float], print_fn: Any) -> None:
        for name, asked in (("CPU", self.cpus), ("GPU", self.gpus)):
            available = resources.get(name, 0)
            if asked > available:
                what = (
                    f"A run takes {asked:g} {name}, the cluster has "
                    f"{available:g}"
                )
                if self.address == "local":
                    raise ValueError(f"{what}: ask for less")
                print_fn(f"{what} by now: waits for more")

    def _runtime(self) -> dict[str, Any]:
        """Workers have this library, whichever is installed there."""
        import keras

        variables = _absolute(
            {
                name: value
                for name, value in os.environ.items()
                if name.startswith(FORWARDED)
            }
        )
        if 0 < self.gpus < 1:
            # JAX takes three quarters of a GPU, if it is not told otherwise.
            variables.setdefault(
                "XLA_PYTHON_CLIENT_MEM_FRACTION", f"{0.9 * self.gpus:.2f}"
            )
        return {
            "py_modules": [str(pathlib.Path(__file__).parents[1])],
            "excludes": ["__pycache__"],
            "env_vars": {
                **variables,
                "KERAS_BACKEND": keras.backend.backend(),
            },
        }


def run_remotely(
    group: Sequence[Experiment], scratch: str, presets: Mapping[str, str]
) -> list[records.Record]:
    """Runs a group on a worker; returns its records."""
    if not os.path.isdir(scratch):  # on another machine
        scratch = tempfile.mkdtemp(prefix="runs-")
    return runner.run(group, pathlib.Path(scratch), print, presets)


def save_records(
    found: Sequence[records.Record],
    results_dir: pathlib.Path,
    scratch: pathlib.Path,
    print_fn: Callable[[str], Any],
) -> None:
    """Writes what a worker returned, unless it was capped."""
    for record in found:
        name = f"{record['experiment']['task']}-{record['key']}.json"
        print_fn(f"{record['experiment']}\n  test {record['test_at_best']}")
        if runner.is_capped():
            continue
        if not (results_dir / name).exists():
            # A worker's files are no checkout.
            commit = environment.commit()
            records.write({**record, "commit": commit}, results_dir)
        (scratch / name).unlink(missing_ok=True)


def _modules_of(groups: Sequence[Sequence[Experiment]]) -> list[Any]:
    """Modules of the user's own tasks and models, which workers lack."""
    names = set()
    for experiment in (each for group in groups for each in group):
        if experiment.own_task is not None:
            names.add(type(experiment.own_task).__module__)
        if experiment.own_model is not None:
            names.add(experiment.own_model.build.__module__)
    return [
        sys.modules[name]
        for name in sorted(names)
        # What runs as a script travels by value already.
        if name != "__main__" and name.split(".")[0] != "keras_fpt"
    ]


def _absolute(places: Mapping[str, str]) -> dict[str, str]:
    """Paths that exist here, made absolute: workers start elsewhere."""
    return {
        name: os.path.abspath(place) if os.path.exists(place) else place
        for name, place in places.items()
    }
