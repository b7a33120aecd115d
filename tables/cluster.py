"""Runs spread over a Ray cluster: a process each, records pulled back."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import machine
import records
from claims import claimed
from experiment import Experiment

HERE = pathlib.Path(__file__).parent
RETRIES = 3  # of runs whose worker was lost
IN_FLIGHT = 200  # each holds a file open
# What a worker needs to know of the environment that the table began in.
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
        teams: Sequence[Sequence[Experiment]],
        folder: pathlib.Path,
        presets: dict[str, str],
        print_fn: Callable[[str], Any] = print,
    ) -> list[Experiment]:
        """Writes the records of teams of experiments to a folder.

        A worker that is lost has its runs tried again, from their last look
        where it sees the folder, as on one machine or a shared disk.

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
                "`--ray` spreads runs by Ray, which is not installed: "
                "`pip install 'keras_fpt[ray]'`"
            ) from error
        if not teams:
            return []
        presets = _absolute(presets)
        scratch = scratch_of(folder)
        records.make_folder(scratch)
        ray.init(
            address=self.address,
            include_dashboard=False if self.address == "local" else None,
            log_to_driver=False,
            runtime_env=self._runtime(),
        )
        # A process a team: memory and random states are its own.
        remote = ray.remote(
            num_cpus=self.cpus,
            num_gpus=self.gpus,
            max_retries=RETRIES,
            max_calls=1,
        )(work)
        left: list[Experiment] = []
        queue, waiting = list(teams), {}
        try:
            self._check(ray.cluster_resources(), print_fn)
            while queue or waiting:
                while queue and len(waiting) < IN_FLIGHT:
                    team = queue.pop(0)
                    claim = contextlib.ExitStack()
                    if claim.enter_context(claimed(team, folder)):
                        configs = [
                            each.config()
                            for each in team
                            # Another process may have done it by now.
                            if not records.path_of(each, folder).exists()
                        ]
                        run = remote.remote(configs, str(scratch), presets)
                        waiting[run] = team, claim
                    else:
                        claim.close()
                        print_fn(f"{team[0]}: another process has it")
                        left += team
                if not waiting:
                    break
                (done,), _ = ray.wait(list(waiting), num_returns=1)
                team, claim = waiting.pop(done)
                with claim:
                    try:
                        keep(ray.get(done), folder, scratch, print_fn)
                    except (ray.exceptions.RayError, ValueError) as error:
                        left += team
                        print_fn(f"{team[0]}: failed: {error}")
        finally:
            for _, claim in waiting.values():
                claim.close()
            ray.shutdown()
        for each in (scratch / "unfinished", scratch):
            with contextlib.suppress(OSError):  # of another process, or failed
                each.rmdir()
        return left

    def _check(self, resources: dict[str, float], print_fn: Any) -> None:
        for name, asked in (("CPU", self.cpus), ("GPU", self.gpus)):
            there = resources.get(name, 0)
            if asked > there:
                what = (
                    f"A run takes {asked:g} {name}, the cluster has {there:g}"
                )
                if self.address == "local":
                    raise ValueError(f"{what}: ask for less")
                print_fn(f"{what} by now: waits for more")

    def _runtime(self) -> dict[str, Any]:
        """Workers have these files and this library, whatever they had."""
        import keras

        import keras_fpt

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
            "working_dir": str(HERE),
            "excludes": ["results", "__pycache__"],
            "py_modules": [os.path.dirname(keras_fpt.__file__)],
            "env_vars": {
                **variables,
                "KERAS_BACKEND": keras.backend.backend(),
            },
        }


def scratch_of(folder: pathlib.Path) -> pathlib.Path:
    """Where workers keep what is not done, if they see the folder."""
    return folder.resolve() / "ray"


def work(
    configs: Sequence[dict[str, Any]], scratch: str, presets: dict[str, str]
) -> list[dict[str, Any]]:
    """What a worker does: runs a team, and returns its records."""
    import models
    import runner

    models.FOLDERS.update(presets)
    if not os.path.isdir(scratch):  # on another machine
        scratch = tempfile.mkdtemp(prefix="runs-")
    team = [Experiment.from_config(config) for config in configs]
    return runner.run(team, pathlib.Path(scratch))


def keep(
    found: Sequence[dict[str, Any]],
    folder: pathlib.Path,
    scratch: pathlib.Path,
    print_fn: Callable[[str], Any],
) -> None:
    """Writes what a worker has found, unless it is capped."""
    import runner

    for record in found:
        experiment = Experiment.from_config(record["experiment"])
        print_fn(f"{experiment}\n  test {record['test_at_best']}")
        if runner.is_capped():
            continue
        if not records.path_of(experiment, folder).exists():
            # A worker's files are no checkout.
            commit = machine.commit()
            records.write({**record, "commit": commit}, folder)
        records.path_of(experiment, scratch).unlink(missing_ok=True)


def _absolute(places: dict[str, str]) -> dict[str, str]:
    """Of what lies here, its whole path: workers start in another folder."""
    return {
        name: os.path.abspath(place) if os.path.exists(place) else place
        for name, place in places.items()
    }
