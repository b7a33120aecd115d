"""Hardware, package versions and peak memory."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
from importlib import metadata

PACKAGES = (
    *("keras", "keras-fpt", "keras-hub", "numpy"),
    *("tensorflow", "jax", "torch", "transformers"),
)


def package_versions() -> dict[str, str]:
    """Versions of the packages that are installed."""
    versions = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def cpu_name() -> str:
    """The processor's name, as Linux has it, and the number of cores."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return f"{name}, {os.cpu_count()} cores"


def device() -> str:
    """The accelerator that Keras' backend computes on, or `"cpu"`."""
    import keras

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


def commit() -> str | None:
    """The commit of the working folder, with `+` where files were changed.

    `None` outside a git checkout.
    """
    try:
        commit, status = (
            subprocess.run(
                ("git", *command), capture_output=True, text=True, check=True
            ).stdout
            for command in (
                ("rev-parse", "--short=12", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no"),
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.strip() + ("+" if status else "")


def reset_peak_memory() -> None:
    """Starts the peak of resident memory again, where Linux can."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as f:
        f.write("5")


def peak_memory_mb() -> float | None:
    """Largest resident memory of this process since the reset, in MB.

    Since the start of the process where there is no Linux, `None` where
    there is no Unix.
    """
    try:
        with open("/proc/self/status") as file:
            peak = re.search(r"VmHWM:\s+(\d+) kB", file.read())
    except OSError:
        peak = None
    if peak is not None:
        return int(peak[1]) / 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
