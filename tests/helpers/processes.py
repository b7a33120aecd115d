"""Python in a process of its own: code, examples, scripts of the tables."""

import contextlib
import importlib.util
import io
import os
import pathlib
import re
import runpy
import subprocess
import sys

import keras
import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
# Code in documentation, and what stands before it unsaid.
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
PRELUDE = "import keras\nimport numpy as np\nimport keras_fpt\n"
# Two steps of whatever is trained.
CAPS = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "2"}


def command_of(code, arguments):
    """Code runs by `-c`, a path as the script that lies there."""
    code = [code] if isinstance(code, os.PathLike) else ["-c", code]
    return [sys.executable, *map(str, (*code, *arguments))]


def environment_of(backend, changes):
    return {
        **os.environ,
        "KERAS_BACKEND": backend or keras.backend.backend(),
        # Copies of a script find the modules beside the original.
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tables"))),
        **{name: str(value) for name, value in changes.items()},
    }


def run_process(code, *arguments, backend=None, cwd=ROOT, **environment):
    """Runs Python to its end, however it ends."""
    return subprocess.run(
        command_of(code, arguments),
        env=environment_of(backend, environment),
        capture_output=True,
        text=True,
        cwd=cwd,
    )


def run_python(code, *arguments, **options):
    """Runs Python, which must succeed, and returns what it prints."""
    process = run_process(code, *arguments, **options)
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


def run_script(path, *arguments, settings=None, cwd, **options):
    """Runs a copy of a script, some constants changed; returns its lines."""
    copy = cwd / path.name
    copy.write_text(with_settings(path.read_text(), **(settings or {})))
    return run_here(copy, *arguments, cwd=cwd, **{"caps": (1, 2), **options})


def run_here(path, *arguments, cwd=ROOT, caps=(None, None), **environment):
    """Runs a script in this process; returns the lines that it prints.

    In a process of its own most of its time would go into imports.

    Args:
        path: The script.
        *arguments: Those of its command line.
        cwd: The folder that it runs in.
        caps: Epochs, and steps of each, that Keras trains at most.
        **environment: Variables of the environment.

    Raises:
        SystemExit: Where the script ends as failed.
    """
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, capped(*caps):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", [str(path), *map(str, arguments)])
        for name, value in environment.items():
            patch.setenv(name, str(value))
        try:
            with contextlib.redirect_stdout(printed):
                runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise
        finally:
            keras.config.set_dtype_policy("float32")
    return printed.getvalue().strip().splitlines()


@contextlib.contextmanager
def capped(epochs=1, steps=2):
    """Keras trains that many epochs, and steps of each, at most."""
    keras.config.set_max_epochs(epochs)
    keras.config.set_max_steps_per_epoch(steps)
    try:
        yield
    finally:
        keras.config.set_max_epochs(None)
        keras.config.set_max_steps_per_epoch(None)


def run_code(code, cwd):
    """Runs what documentation shows, in this process, two steps of it."""
    with contextlib.chdir(cwd), capped():
        exec(code, {})


def with_settings(code, **settings):
    """The code of a script with other values of its constants."""
    for name, value in settings.items():
        code, found = re.subn(
            rf"^{name} = .*$", f"{name} = {value!r}", code, flags=re.M
        )
        assert found == 1, name
    return code


def other_backend():
    """A backend that this process does not run, installed here."""
    # PyTorch and JAX start sooner than TensorFlow.
    for name in ("torch", "jax", "tensorflow"):
        other = name != keras.backend.backend()
        if other and importlib.util.find_spec(name):
            return name
    pytest.skip("needs a second backend to be installed")
