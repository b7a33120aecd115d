"""Runs the tests on every backend, each in a process of its own.

`python tests/run_backends.py` runs all three, `... jax torch` those named.
"""

import os
import pathlib
import subprocess
import sys

BACKENDS = ("tensorflow", "jax", "torch")


def main(backends: list[str]) -> int:
    unknown = sorted(set(backends) - set(BACKENDS))
    if unknown:
        print(f"Unknown backends {unknown}. Known: {', '.join(BACKENDS)}")
        return 2
    failed = []
    for backend in backends or BACKENDS:
        print(f"=== {backend} ===", flush=True)
        tests = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "auto"],
            # A process a core: more threads would only wait for each other.
            env={
                "OMP_NUM_THREADS": "1",
                # Small models compile for longer than they compute.
                "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
                **os.environ,
                "KERAS_BACKEND": backend,
            },
            cwd=pathlib.Path(__file__).parent.parent,
        )
        if tests.returncode:
            failed.append(backend)
    print(f"Failed on: {', '.join(failed)}" if failed else "All backends pass")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
