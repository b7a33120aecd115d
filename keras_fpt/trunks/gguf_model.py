"""Presents a GGUF file as a Hugging Face model, and loads its backbone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fpt.trunks.gguf_file import GGUFFile

# A key may have any value: it changes nothing in the blocks.
ANY: tuple[Any, ...] = ()
# Tables have no bias.
_TABLES = ("token_embd", "position_embd", "token_types")


class GGUFModel:
    """A GGUF file under the names of Hugging Face.

    An architecture is a subclass: it supplies the class attributes and, where
    it needs them, the methods below.

    Args:
        file: `GGUFFile`.

    Attributes:
        architecture: string. GGUF's `general.architecture`.
        model_type: string. Hugging Face's name of the family.
        keys: mapping from names in `config.json` to keys of GGUF, without the
            architecture that they begin with. All of them are numbers.
        tensors: mapping from tensors of GGUF to Hugging Face's, `{}` being the
            number of a block, both without `.weight` and `.bias`.
        parts: tuple of strings. The parts of a tensor that is no table.
        unused: tuple of strings. Tensors that no trunk has.
        config: dict. The `config.json`.

    Raises:
        ValueError: if a key or tensor is missing, or one is there that the
            trunk does not compute.
    """

    architecture: str
    model_type: str
    keys: Mapping[str, str]
    tensors: Mapping[str, str]
    parts: tuple[str, ...] = (".weight", ".bias")
    unused: tuple[str, ...] = ("output.weight",)

    def __init__(self, file: GGUFFile) -> None:
        self.file = file
        config = {name: self.number(key) for name, key in self.keys.items()}
        self.config = {
            "model_type": self.model_type,
            **config,
            **self.more_config(config),
        }
        self._check_keys()
        self._names = self._names_of_tensors()  # Hugging Face's -> GGUF's

    # What an architecture supplies.

    def more_config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What `config.json` holds beside `keys`."""
        return {}

    def known_keys(self) -> dict[str, tuple[Any, ...]]:
        """Keys beside `keys` -> the values that they may have, or `ANY`."""
        return {"vocab_size": ANY}

    def convert(self, name: str, tensor: np.ndarray) -> np.ndarray:
        """A tensor as Hugging Face orders it.

        Args:
            name: string. Hugging Face's.
            tensor: array. As GGUF orders it.
        """
        return tensor

    # What every architecture does.

    def number(self, key: str, default: float | None = None) -> Any:
        """The value of a key of the architecture, which must be a number.

        Args:
            key: string. Without the architecture.
            default: float or `None`. What a file without the key means.
                Defaults to `None`: the key must be there.
        """
        full = f"{self.architecture}.{key}"
        options = {} if default is None else {"default": default}
        value = self.file.key(full, **options)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(
                f"{str(self.file.path)!r}: expected {full!r} to be a number, "
                f"the same for all blocks. Received: {value!r}"
            )
        return value

    def num_rows(self, table: str) -> int:
        """How many rows a table has."""
        self._check_tensors({f"{table}.weight"})
        # GGUF counts dimensions from the last one.
        return int(self.file.tensors[f"{table}.weight"].shape[-1])

    def get_tensor(self, name: str) -> np.ndarray:
        """A tensor in float32, by the name that Hugging Face gives it.

        Raises:
            KeyError: if there is none of that name.
        """
        return self.convert(name, self.file.tensor(self._names[name]))

    def load_backbone(self, load_weights: bool, **arguments: Any) -> Any:
        """Builds a keras-nlp backbone and fills it as from Hugging Face.

        Args:
            load_weights: bool. `False` loads only the architecture.
            **arguments: of the keras-nlp class, `dtype` for instance; they
                precede what follows from the config.
        """
        # The reader of Hugging Face's folders takes any source of tensors.
        from keras_hub.src.utils.transformers import preset_loader

        loader = preset_loader.TransformersPresetLoader(
            str(self.file.path), self.config
        )
        backbone = loader.load_backbone(
            loader.check_backbone_class(), load_weights=False, **arguments
        )
        if load_weights:
            loader.converter.convert_weights(backbone, self, self.config)
        return backbone

    def port_weight(
        self, keras_variable: Any, hf_weight_key: str, hook_fn: Any = None
    ) -> None:
        """Fills a variable: what keras-nlp's converters call."""
        value = self.get_tensor(hf_weight_key)
        if hook_fn:
            value = hook_fn(value, list(keras_variable.shape))
        keras_variable.assign(value)

    def _check_keys(self) -> None:
        """Refuses keys that are not known: they may change what is computed."""
        prefix = f"{self.architecture}."
        known = {**dict.fromkeys(self.keys.values(), ANY), **self.known_keys()}
        for name, value in self.file.keys.items():
            if not name.startswith(prefix):
                continue
            values = known.get(name.removeprefix(prefix))
            if values is None or (values and value not in values):
                expected = (
                    f"{name} to be {' or '.join(map(repr, values))}"
                    if values
                    else f"no key {name}"
                )
                raise ValueError(
                    f"{str(self.file.path)!r} asks for what the trunk does "
                    f"not compute: expected {expected}. Received: "
                    f"{name}={value!r}. Choose another model"
                )

    def _names_of_tensors(self) -> dict[str, str]:
        num_blocks = self.number("block_count")
        names = {}
        for ours, theirs in self.tensors.items():
            parts = (".weight",) if ours in _TABLES else self.parts
            blocks = range(num_blocks) if "{}" in ours else (0,)
            for i in blocks:
                for part in parts:
                    name = theirs.format(i) + part
                    names[name] = ours.format(i) + part
        expected = set(names.values())
        self._check_tensors(expected)
        others = set(self.file.tensors) - expected - set(self.unused)
        if others:
            raise ValueError(
                f"{str(self.file.path)!r} holds tensors that a "
                f"{self.model_type} of {num_blocks} blocks does not have: "
                f"{_some(others)}. Choose another model"
            )
        return names

    def _check_tensors(self, expected: set[str]) -> None:
        missing = expected - set(self.file.tensors)
        if missing:
            raise ValueError(
                f"{str(self.file.path)!r} lacks tensors of a "
                f"{self.model_type}: expected {_some(missing)}. The file may "
                "be of another model or incomplete"
            )


def _some(names: set[str]) -> str:
    first = sorted(names)[:3]
    return ", ".join(first) + (", ..." if len(names) > len(first) else "")
