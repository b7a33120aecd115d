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
    """Starts the peaks of memory again, where Linux and the backend can.

    JAX cannot: its peak is that of the process.
    """
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    import keras

    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
    elif backend == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            tf.config.experimental.reset_memory_stats("GPU:0")


def peak_memory_mb() -> float | None:
    """Largest memory since the reset, in MB: of the GPU, or of the process.

    On a CPU, the resident memory of this process; `None` where there is no
    Unix.
    """
    on_device = device_peak_memory()
    if on_device is not None:
        return on_device / 2**20
    return host_peak_memory_mb()


def device_peak_memory() -> int | None:
    """Largest memory that was taken of the first GPU, in bytes."""
    import keras

    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        on_gpu = torch.cuda.is_available()
        return torch.cuda.max_memory_allocated() if on_gpu else None
    if backend == "jax":
        import jax

        usage = jax.local_devices()[0].memory_stats()  # `None` on a CPU
        return usage.get("peak_bytes_in_use") if usage else None
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def host_peak_memory_mb() -> float | None:
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
