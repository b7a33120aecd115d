"""Loads the backbone in a Hugging Face folder, whatever head it was saved with.

keras-nlp expects the names that one head of each family gives; a trunk needs
nothing of any head.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_fpt.trunks.hugging_face import whole_config
from keras_fpt.trunks.hugging_face_converters import CONVERTERS

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
# What a snapshot of a hub must have of a model.
PATTERNS = ("config.json", WEIGHTS, INDEX, "model-*.safetensors")
# Formats that are never opened: a pickle runs what its bytes say.
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
# What models with a head call the model below it, where not as its family.
_PREFIXES = {
    "gpt2": "transformer.",
    "llama": "model.",
    "opt": "model.",
}
# No trunk needs it, and not every head comes with it.
_OF_HEADS = re.compile(r"(pooler|lm_head|classifier|cls)\.")
# Names of norms in old files, and in some new ones.
_OTHER_ENDS = {"weight": "gamma", "bias": "beta", "gamma": "weight"}
_OTHER_ENDS |= {"beta": "bias"}


class HuggingFaceModel:
    """A Hugging Face folder.

    Args:
        folder: path. With `config.json` and, for the weights, safetensors.
        config: dict. Its `config.json`.
        family: subclass of `Trunk`.
        fetch: callable or `None`. Returns a folder that has the weights, too,
            where they are not here yet. Defaults to `None`.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        config: dict[str, Any],
        family: Any,
        fetch: Callable[[], str] | None = None,
    ) -> None:
        self.folder = folder
        self.config = config
        self.family = family
        self.fetch = fetch
        model_type = config["model_type"]
        self._prefix = _PREFIXES.get(model_type, f"{model_type}.")
        self._files: dict[pathlib.Path, Any] = {}
        # Name without the prefix -> file and name in it.
        self._places: dict[str, tuple[pathlib.Path, str]] = {}
        self._read: set[str] = set()

    def load_backbone(self, load_weights: bool, **arguments: Any) -> Any:
        """Builds a keras-nlp backbone and fills it.

        Args:
            load_weights: bool. `False` keeps the architecture alone.
            **arguments: of the keras-nlp class, `dtype` for instance; they
                precede what follows from the config.

        Raises:
            ValueError: if a file is missing or damaged, or the weights are
                not those of the config.
        """
        from keras_hub.src.utils.transformers import preset_loader

        converter = CONVERTERS.get(self.config["model_type"])
        with whole_config(str(self.folder)):
            if converter is not None:
                backbone = converter.backbone(self.config, **arguments)
            else:
                # keras-nlp's reader takes any source of tensors.
                loader = preset_loader.TransformersPresetLoader(
                    str(self.folder), self.config
                )
                converter = loader.converter
                backbone = loader.load_backbone(
                    loader.check_backbone_class(),
                    load_weights=False,
                    **arguments,
                )
        if load_weights:
            self._find_tensors()
            try:
                converter.convert_weights(backbone, self, self.config)
                self.family.add_hugging_face_values(backbone, self)
            finally:
                self._files.clear()
            self._check_all_read()
        return backbone

    def get_tensor(self, name: str) -> np.ndarray:
        """A tensor by the name that any head's model gives it.

        Raises:
            KeyError: if there is none.
        """
        return self._tensor(self._find(name))

    def port_weight(
        self, keras_variable: Any, hf_weight_key: str, hook_fn: Any = None
    ) -> None:
        """Fills a variable: what keras-nlp's converters call."""
        name = self._find(hf_weight_key)
        if name not in self._places:
            if _OF_HEADS.match(name):
                return
            raise ValueError(
                f"{str(self.folder)!r} lacks the tensor {name!r}, of which its "
                f"config.json, of a {self.config['model_type']}, speaks: the "
                "weights are incomplete or of another model. It has "
                f"{_some(self._places)}"
            )
        tensor, shape = self._tensor(name), tuple(keras_variable.shape)
        try:
            value = hook_fn(tensor, list(shape)) if hook_fn else tensor
            if tuple(value.shape) != shape:
                raise ValueError
        except (ValueError, IndexError):
            raise ValueError(
                f"The tensor {name!r} in {str(self.folder)!r} has shape "
                f"{tensor.shape}, which does not fit the sizes in its "
                f"config.json: they ask for {keras_variable.path!r} of shape "
                f"{shape}. The weights are of another model"
            ) from None
        keras_variable.assign(value)

    def _find_tensors(self) -> None:
        import safetensors

        if self.fetch is not None:
            self.folder = pathlib.Path(self.fetch())
        for path in self._weight_files():
            try:
                file = safetensors.safe_open(path, framework="numpy")
                names = list(file.keys())
            except (OSError, safetensors.SafetensorError) as error:
                raise ValueError(
                    f"{str(path)!r} is no whole safetensors file ({error}): "
                    "fetch it again"
                ) from error
            self._files[path] = file
            for name in names:
                self._places[name.removeprefix(self._prefix)] = path, name

    def _weight_files(self) -> list[pathlib.Path]:
        index, whole = self.folder / INDEX, self.folder / WEIGHTS
        if index.is_file():
            try:
                names = json.loads(index.read_text())["weight_map"].values()
                parts = set(names)
                files = [self.folder / part for part in sorted(parts)]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(
                    f"{str(index)!r} is no index of safetensors files: fetch "
                    "it again"
                ) from error
            missing = [file.name for file in files if not file.is_file()]
            if missing:
                raise ValueError(
                    f"{str(self.folder)!r} lacks {', '.join(missing)}, which "
                    f"its {INDEX} names: fetch them again"
                )
            return files
        if whole.is_file():
            return [whole]
        pickles = sorted(
            file.name for each in _PICKLES for file in self.folder.glob(each)
        )
        if pickles:
            raise ValueError(
                f"{str(self.folder)!r} has its weights in {pickles[0]}, a "
                "pickle, which could run any program and is not opened: "
                f"expected {WEIGHTS}. If you trust it, convert it: `python -c "
                f'"from transformers import AutoModel; AutoModel.'
                f"from_pretrained('{self.folder}')."
                f"save_pretrained('{self.folder}')\"`"
            )
        raise ValueError(
            f"{str(self.folder)!r} has a config.json and no weights: expected "
            f"{WEIGHTS}, or {INDEX} and its files"
        )

    def _find(self, name: str) -> str:
        """The name here of a tensor; it may not be there."""
        name = name.removeprefix(self._prefix)
        stem, _, end = name.rpartition(".")
        for each in (name, f"{stem}.{_OTHER_ENDS.get(end, end)}"):
            if each in self._places:
                return each
            # Saved inside another model, as of sentence-transformers.
            within = [n for n in self._places if n.endswith(f".{each}")]
            if len(within) == 1 and not _OF_HEADS.match(name):
                return within[0]
        return name

    def _tensor(self, name: str) -> np.ndarray:
        path, full_name = self._places[name]
        self._read.add(name)
        try:
            return self._files[path].get_tensor(full_name)
        except TypeError as error:
            raise ValueError(
                f"{str(path)!r} stores {full_name!r} in a type that NumPy does "
                f"not have ({error}): convert it to float32"
            ) from error

    def _check_all_read(self) -> None:
        """Refuses blocks beyond those of the config, which would be dropped."""

        def kind(name: str) -> str:
            return re.sub(r"\.\d+\.", ".N.", f".{name}", count=1)

        kinds = {kind(n) for n in self._read if kind(n) != f".{n}"}
        left = [
            name
            for name in self._places
            if name not in self._read and kind(name) in kinds
        ]
        if left:
            raise ValueError(
                f"{str(self.folder)!r} holds more blocks than its config.json "
                f"says: {_some(left)}. Correct the number of layers there, or "
                "choose blocks by `num_layers=`"
            )


def _some(names: Iterable[str]) -> str:
    first = sorted(names)[:4]
    return ", ".join(first[:3]) + (", ..." if len(first) > 3 else "")
