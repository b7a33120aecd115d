"""The frozen pretrained transformer: input layer, trunk, readout, head."""

from __future__ import annotations

import operator
import random
from typing import Any

import keras

from keras_fpt import checkpoints
from keras_fpt import trunks
from keras_fpt.finetuning import Finetune
from keras_fpt.finetuning import make_rules
from keras_fpt.frozen_model import FrozenModel
from keras_fpt.initialization import check_initialization
from keras_fpt.initialization import draw_random
from keras_fpt.layers import Interface


@keras.saving.register_keras_serializable(package="keras_fpt")
class FrozenPretrainedTransformer(FrozenModel):
    """A pretrained transformer, frozen, that computes on tokens of anything.

    A linear input layer turns tokens into hidden vectors, the blocks of a
    pretrained transformer compute on them, a linear head reads the answer
    out. Attention and feed-forward layers stay as they were; the input layer,
    the head, the layer norms and the position embeddings are trained. It is a
    functional `keras.Model`: `compile`, `fit`, `save` work as always, and the
    freeze survives them.

    Args:
        backbone: a keras-nlp `GPT2Backbone`. It stays as it is: the model
            computes on a copy of its blocks, without the token table.
        task: a `keras_fpt.tasks.Task` that says `inputs`, `outputs`,
            `readout` and `padding_mask`, or `None` to pass them here.
        inputs: `(num_tokens, token_dim)` for tokens that are vectors, or
            `{"num_tokens": ..., "vocabulary_size": ...}` for ids.
        outputs: int or tuple. `num_classes` reads one token,
            `(k, num_classes)` the last k, `(k, values, num_classes)` several
            answers from each. The head is linear: regression and multi-label
            are a matter of the loss.
        readout: string. `"last"`, `"last_real"` (the last token that the
            padding mask marks as real) or `"mean"`. Defaults to `"last"`.
        padding_mask: bool. Whether the model takes
            `{"tokens": ..., "padding_mask": ...}`; sequences may then be
            shorter than `num_tokens`. Defaults to `False`.
        finetune: string or tuple of strings. What is trained: groups
            `"input"`, `"positions"`, `"layernorm"`, `"attention"`,
            `"feed_forward"`, `"output"`, blocks of them such as
            `"attention[-1]"`, presets `"fpt"`, `"full"`, `"output_only"`.
            Defaults to `"fpt"`, the paper's four groups.
        dropout: float. Dropout after the linear input layer; the backbone
            keeps its own. Defaults to `0.1`, the paper's.
        initialization: string. `"pretrained"` keeps the backbone's values,
            `"random"` draws them anew. Defaults to `"pretrained"`.
        num_layers: int or `None`. Keeps the first blocks only. Defaults to
            `None`, all of them.
        num_positions: int or `None`. Size of the position table, for
            sequences longer than the backbone's: more positions repeat its
            own from the first on. Defaults to `None`, the backbone's.
        seed: int or `None`. Seed of a random trunk. `None` takes one from
            Keras' global seed, and the config keeps it. Defaults to `None`.
        name: string. Defaults to `"frozen_pretrained_transformer"`.

    Input shape:
        `(batch, num_tokens, token_dim)` or, for ids, `(batch, num_tokens)`.

    Output shape:
        `(batch, *outputs)`. Logits: no softmax is applied.

    Raises:
        ValueError: if an argument does not fit the others or the backbone.

    Example:

    ```python
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        "gpt2_tiny_en", inputs=(16, 3), outputs=2
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
    model.fit(np.random.rand(64, 16, 3), np.random.randint(2, size=64))
    ```

    Reference:
        [Lu et al., 2021](https://arxiv.org/abs/2103.05247)
    """

    def __init__(
        self,
        backbone: Any,
        task: Any = None,
        *,
        inputs: Any = None,
        outputs: Any = None,
        readout: str | None = None,
        padding_mask: bool | None = None,
        finetune: Finetune = "fpt",
        dropout: float = 0.1,
        initialization: str = "pretrained",
        num_layers: int | None = None,
        num_positions: int | None = None,
        seed: int | None = None,
        name: str = "frozen_pretrained_transformer",
    ) -> None:
        interface = Interface.of(task, inputs, outputs, readout, padding_mask)
        if not 0 <= dropout < 1:
            raise ValueError(
                "`dropout` is a share, at least 0 and less than 1. "
                f"Received: dropout={dropout!r}"
            )
        check_initialization(initialization)

        # === Layers ===
        trunk = _own_trunk(backbone, num_layers, num_positions)
        trunk.check_length(interface.tokens.num_tokens)
        trunk.check_dtype()
        trunk.set_finetune(finetune)
        if initialization == "random":
            seed = _draw_seed() if seed is None else operator.index(seed)
            draw_random(trunk, seed)

        # === Functional Model ===
        tokens, mask = interface.model_inputs()
        named = {"tokens": tokens, "padding_mask": mask}
        embedded = interface.tokens.embed(tokens, trunk.hidden_dim, dropout)
        hidden = trunk(embedded, padding_mask=mask)
        # (batch, num_tokens, hidden_dim)
        super().__init__(
            inputs=tokens if mask is None else named,
            outputs=interface.answer(hidden, mask, trunk.hidden_dim),
            name=name,
        )

        # === Config ===
        self.trunk = trunk
        trunk.taken = True
        self.interface = interface
        self.embedded_tokens = embedded
        self._arguments: dict[str, Any] = {
            **interface.config(),
            "finetune": trunk.finetune,
            "dropout": dropout,
            "initialization": initialization,
            "seed": seed,
        }
        own_rules = make_rules(finetune, interface.groups, len(trunk.blocks))
        self.set_finetune_rules(trunk.finetune_rules + own_rules)

    @classmethod
    def from_preset(
        cls,
        preset: str,
        task: Any = None,
        *,
        dropout: float = 0.1,
        initialization: str = "pretrained",
        num_layers: int | None = None,
        num_positions: int | None = None,
        **kwargs: Any,
    ) -> FrozenPretrainedTransformer:
        """Builds a model around a preset.

        Args:
            preset: string. `"gpt2_tiny_en"`, which comes with the library, a
                name that keras-nlp knows (`"gpt2_base_en"`), a `hf://` or
                `kaggle://` address, or a folder with a keras-nlp preset or a
                Hugging Face GPT-2.
            task: a `keras_fpt.tasks.Task`, or `None`.
            dropout: float. Dropout of the input layer and, in the trunk, of
                embeddings, attention and residuals. Defaults to `0.1`.
            initialization: string. `"random"` needs no weights and loads
                none. Defaults to `"pretrained"`.
            num_layers: int or `None`. Keeps the first blocks only. Defaults
                to `None`, all of them.
            num_positions: int or `None`. Size of the position table. Defaults
                to `None`, the preset's.
            **kwargs: the other arguments of the class.

        Returns:
            A `FrozenPretrainedTransformer`.

        Raises:
            ValueError: if there is no such preset or an argument does not
                fit the others.

        Example:

        ```python
        task = keras_fpt.tasks.get("bit_xor")
        model = keras_fpt.FrozenPretrainedTransformer.from_preset(
            "gpt2_tiny_en", task=task, finetune=("fpt", "attention[-1]")
        )
        ```
        """
        check_initialization(initialization)
        trunk = trunks.from_preset(
            preset,
            dropout,
            num_layers,
            load_weights=initialization == "pretrained",
            num_positions=num_positions,
        )
        return cls(
            trunk,
            task,
            dropout=dropout,
            initialization=initialization,
            **kwargs,
        )

    @classmethod
    def from_trained(
        cls, path: checkpoints.Path, preset: str | None = None
    ) -> FrozenPretrainedTransformer:
        """Builds the model of a `save_trained` file and loads it.

        The trunk is loaded from the preset that the file names. A model
        around a backbone object has none: build it, then `load_trained`.

        Args:
            path: string or path. The file.
            preset: string or `None`. Where the preset lies if not where the
                file says. Defaults to `None`.

        Returns:
            A `FrozenPretrainedTransformer`.

        Raises:
            ValueError: if the file is damaged or its trunk is not there.
        """
        config = checkpoints.read_header(path)
        config.pop("trainable")
        sizes = config.pop("trunk")["config"]
        preset = preset or sizes["preset"]
        if preset is None:
            raise ValueError(
                f"{str(path)!r} was trained around a backbone object, which "
                "no preset names: build the model around that backbone and "
                "call `load_trained`"
            )
        model = cls.from_preset(
            preset,
            num_layers=sizes["num_layers"],
            num_positions=sizes["max_sequence_length"],
            **config,
        )
        model.load_trained(path)
        return model

    def get_config(self) -> dict[str, Any]:
        return {
            "trunk": self._trunk_config(),
            **self._arguments,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> FrozenPretrainedTransformer:
        config = dict(config)
        trunk = keras.saving.deserialize_keras_object(
            config.pop("trunk"), custom_objects
        )
        trainable = config.pop("trainable", True)
        model = cls(trunk, **config)
        if not trainable:
            model.trainable = False
        return model

    def _trunk_config(self) -> dict[str, Any]:
        config = keras.saving.serialize_keras_object(self.trunk)
        # It is built when it is made, whatever Keras notes after a load.
        config.pop("build_config", None)
        return config


def _own_trunk(
    backbone: Any, num_layers: int | None, num_positions: int | None
) -> trunks.Trunk:
    """A trunk that nobody else holds."""
    if not isinstance(backbone, trunks.Trunk):
        return trunks.from_backbone(
            backbone, num_layers, num_positions=num_positions
        )
    if backbone.taken or num_layers is not None or num_positions is not None:
        raise ValueError(
            "A trunk serves one model, with the blocks and positions that it "
            "has: pass a keras-nlp backbone, of which each model takes a copy. "
            f"Received: a trunk of {len(backbone.blocks)} blocks, "
            f"num_layers={num_layers}, num_positions={num_positions}"
        )
    return backbone


def _draw_seed() -> int:
    # keras.utils.set_random_seed seeds the generator of `random`.
    return random.randrange(2**31)
