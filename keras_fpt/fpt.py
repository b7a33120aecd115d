"""The frozen pretrained transformer: input layer, trunk, readout, head."""

from __future__ import annotations

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
from keras_fpt.layers import Readout
from keras_fpt.layers import TokenSpec
from keras_fpt.layers import head
from keras_fpt.layers import num_readout_tokens

# The variables around the trunk, whose own groups its family knows.
_OWN_GROUPS = {
    "input": (r"input_(projection|embedding)/\w+",),
    "output": (r"head/\w+",),
}


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
        seed: int | None = None,
        name: str = "frozen_pretrained_transformer",
    ) -> None:
        inputs, outputs, readout, padding_mask = _from_task(
            task, inputs, outputs, readout, padding_mask
        )
        tokens_spec = TokenSpec.of(inputs)
        read_tokens = num_readout_tokens(outputs)
        _check_arguments(tokens_spec, read_tokens, dropout)
        if readout == "last_real" and not padding_mask:
            raise ValueError(
                'readout="last_real" needs to know which tokens are real: '
                "pass `padding_mask=True`"
            )
        check_initialization(initialization)

        # === Layers ===
        trunk = _own_trunk(backbone, num_layers)
        trunk.check_length(tokens_spec.num_tokens)
        trunk.set_finetune(finetune)
        if initialization == "random":
            seed = _draw_seed() if seed is None else seed
            draw_random(trunk, seed)

        # === Functional Model ===
        tokens = tokens_spec.model_input(variable_length=padding_mask)
        mask = None
        if padding_mask:
            mask = keras.Input((None,), dtype="bool", name="padding_mask")
        embedded = tokens_spec.embed(tokens, trunk.hidden_dim, dropout)
        hidden = trunk(embedded, padding_mask=mask)
        # (batch, num_tokens, hidden_dim)
        read = Readout(read_tokens, readout, name="readout")(hidden, mask)
        # (batch, [k,] hidden_dim)
        super().__init__(
            inputs=(
                {"tokens": tokens, "padding_mask": mask}
                if padding_mask
                else tokens
            ),
            outputs=head(read, trunk.hidden_dim, outputs),
            name=name,
        )

        # === Config ===
        self.trunk = trunk
        self.tokens_spec = tokens_spec
        self.takes_padding_mask = padding_mask
        self.embedded_tokens = embedded
        self._arguments: dict[str, Any] = {
            "inputs": tokens_spec.config(),
            "outputs": outputs if isinstance(outputs, int) else list(outputs),
            "readout": readout,
            "padding_mask": padding_mask,
            "finetune": trunk.finetune,
            "dropout": dropout,
            "initialization": initialization,
            "seed": seed,
        }
        own_rules = make_rules(finetune, _OWN_GROUPS, len(trunk.blocks))
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
            **kwargs: the other arguments of the class.

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
        cls, path: checkpoints.Path
    ) -> FrozenPretrainedTransformer:
        """Builds the model of a `save_trained` file and loads it.

        The trunk is loaded from the preset that the file names. A model
        around a backbone object has none: build it, then `load_trained`.

        Args:
            path: string or path. The file.
        """
        config = checkpoints.read_header(path)
        sizes = config.pop("trunk")["config"]
        if sizes["preset"] is None:
            raise ValueError(
                f"{str(path)!r} was trained around a backbone object, which "
                "no preset names: build the model around that backbone and "
                "call `load_trained`"
            )
        model = cls.from_preset(
            sizes["preset"], num_layers=sizes["num_layers"], **config
        )
        model.load_trained(path)
        return model

    def get_config(self) -> dict[str, Any]:
        return {
            "trunk": self._trunk_config(),
            **self._arguments,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> FrozenPretrainedTransformer:
        config = dict(config)
        trunk = keras.saving.deserialize_keras_object(
            config.pop("trunk"), custom_objects
        )
        return cls(trunk, **config)

    def _trunk_config(self) -> dict[str, Any]:
        config = keras.saving.serialize_keras_object(self.trunk)
        # It is built when it is made, whatever Keras notes after a load.
        config.pop("build_config", None)
        return config


def _from_task(
    task: Any,
    inputs: Any,
    outputs: Any,
    readout: str | None,
    padding_mask: bool | None,
) -> tuple[Any, Any, str, bool]:
    """The four arguments that a task says, from it or as they were given."""
    if task is not None:
        given = (inputs, outputs, readout, padding_mask)
        if any(argument is not None for argument in given):
            raise ValueError(
                "`task` says inputs, outputs, readout and padding_mask: pass "
                "either a task or these arguments, not both"
            )
        return task.inputs, task.outputs, task.readout, task.padding_mask
    if inputs is None or outputs is None:
        raise ValueError(
            "Pass `task=`, or both `inputs=` and `outputs=`. Received: "
            f"inputs={inputs!r}, outputs={outputs!r}"
        )
    return inputs, outputs, readout or "last", bool(padding_mask)


def _check_arguments(
    tokens_spec: TokenSpec, read_tokens: int | None, dropout: float
) -> None:
    if (read_tokens or 1) > tokens_spec.num_tokens:
        raise ValueError(
            f"Cannot read out the last {read_tokens} tokens of a sequence of "
            f"{tokens_spec.num_tokens}: `outputs` asks for more tokens than "
            "`inputs` has"
        )
    if not 0 <= dropout < 1:
        raise ValueError(
            "`dropout` is a share, at least 0 and less than 1. "
            f"Received: dropout={dropout!r}"
        )


def _own_trunk(backbone: Any, num_layers: int | None) -> trunks.Trunk:
    """A trunk that nobody else holds."""
    if not isinstance(backbone, trunks.Trunk):
        return trunks.from_backbone(backbone, num_layers)
    if num_layers is not None:
        raise ValueError(
            "A trunk that is built already keeps its blocks: choose "
            f"`num_layers` when it is. Received: num_layers={num_layers}"
        )
    return backbone


def _draw_seed() -> int:
    # keras.utils.set_random_seed seeds the generator of `random`.
    return random.randrange(2**31)
