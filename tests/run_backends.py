"""Runs the tests on every backend, each in a process of its own.

`python tests/run_backends.py` runs all three, `... jax torch` those named.
Tests in which no backend computes run once, with those of PyTorch.
"""

import argparse
import importlib.util
import os
import pathlib
import subprocess
import sys
import time

BACKENDS = ("tensorflow", "jax", "torch")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="*", metavar="backend")
    parser.add_argument("--ceiling", type=float, help="minutes for all of it")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.backends) - set(BACKENDS))
    if unknown:
        parser.error(f"no backend {unknown}. Known: {', '.join(BACKENDS)}")
    return options


def run(backend: str, once: bool) -> tuple[bool, float]:
    """Runs one backend's tests; returns whether they pass, and the seconds."""
    print(f"=== {backend} ===", flush=True)
    start = time.monotonic()
    tests = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n", "auto"),
            # Tests of one group meet in one process: what it has compiled or
            # read for the first of them, the others find there.
            *("--dist", "loadgroup"),
            "tests" if once else "tests/backends",
        ],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
        },
        cwd=pathlib.Path(__file__).parent.parent,
    )
    return tests.returncode == 0, time.monotonic() - start


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    backends = options.backends or BACKENDS
    # As the mark `once` has it: on PyTorch, where that is installed.
    torch = importlib.util.find_spec("torch")
    fastest = "torch" if torch else backends[0]
    results = {
        backend: run(backend, backend == fastest) for backend in backends
    }
    for backend, (passed, seconds) in results.items():
        state = "pass" if passed else "FAIL"
        print(f"{backend:12}{state}{seconds / 60:8.1f} minutes")
    minutes = sum(seconds for _, seconds in results.values()) / 60
    print(f"{'together':12}    {minutes:8.1f} minutes")
    if options.ceiling and minutes > options.ceiling:
        print(f"More than the ceiling of {options.ceiling:g} minutes")
        return 1
    return sum(not passed for passed, _ in results.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
