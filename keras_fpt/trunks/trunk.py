"""The base class of trunks, the frozen stack of a keras-nlp backbone.

Longer than other files, so that who adds a family reads in one place what it
supplies and what it gets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt.backend import own_paths
from keras_fpt.finetuning import Finetune
from keras_fpt.stack import Stack
from keras_fpt.trunks.adapt import add_lora
from keras_fpt.trunks.adapt import check_not_quantized
from keras_fpt.trunks.adapt import quantize
from keras_fpt.trunks.loading import LiveConfig
from keras_fpt.trunks.loading import UnloadedValues
from keras_fpt.trunks.loading import copy_all_values
from keras_fpt.trunks.loading import described_trunk
from keras_fpt.trunks.options import TrunkOptions
from keras_fpt.trunks.remat import remat
from keras_fpt.trunks.selection import chosen_blocks
from keras_fpt.trunks.selection import source_paths
from keras_fpt.trunks.share import Siblings
from keras_fpt.trunks.share import check_not_shared
from keras_fpt.trunks.share import share_frozen_layers
from keras_fpt.trunks.share import shared_config
from keras_fpt.trunks.values import copy_values
from keras_fpt.trunks.values import embedding_std
from keras_fpt.trunks.values import forget_replaced_variables
from keras_fpt.trunks.values import has_biases
from keras_fpt.trunks.values import repeat_rows
from keras_fpt.trunks.values import scope_of


class Trunk(Stack):
    """The transformer blocks of a keras-nlp backbone, fed with vectors.

    A trunk owns its layers and values: it is built fresh or takes over a
    backbone that nobody else holds. It carries no token table. A fresh one
    computes once it was given values: `unloaded` lists the variables that
    still lack them.

    A family of architectures is a subclass in a file of its own. It supplies
    the class attributes and, from `take_layers` on, the methods below.

    Args:
        config: dict. Arguments of the keras-nlp class, except the vocabulary,
            and what `config_overrides` names.
        options: dict of `TrunkOptions`, or `None`. Defaults to `None`.
        preset: string or `None`. What it was loaded from. Defaults to `None`.
        finetune: string or sequence of strings. What of it is trained.
            Defaults to `"fpt"`.
        adapted: bool. Whether it is quantized and has its LoRA matrices.
            Defaults to `False`.
        token_std: float or `None`. Standard deviation of the backbone's token
            embeddings. Defaults to `None`: not known, or not needed.
        backbone: a keras-nlp backbone whose layers the trunk takes over, or
            `None` to build a fresh one. Defaults to `None`.

    Attributes:
        backbone_name: string. The keras-nlp class that it opens.
        model_type: string or `None`. What Hugging Face calls the family, if
            keras-nlp reads its folders.
        initial_values: sequence of `(pattern, std, mean)`. The default
            scheme of the backbone: each variable is drawn from
            N(mean, std); the first pattern that matches counts. A std
            may be a function of the variable's shape.
        vocabulary: dict. The smallest token table, which is dropped.
        dropouts: tuple of strings. The arguments of the keras-nlp class that
            are rates of dropout.
        config_overrides: tuple of strings. Keys of `config` that the
            keras-nlp class has no argument for: the trunk applies them.
        position_embedding: layer or `None`. The table of positions.
        final_norm: layer or `None`. The norm after the last block.
        owns_positions: bool. Whether the backbone brings that table.
        lifts_zeros: bool or `None`. Whether its own positions or biases move
            a token of zeros away from zero. `None`: its values say.
        initial_token_std: float. Standard deviation of a fresh backbone's
            token embeddings.
        token_std: float or `None`. The size of a word, at which new positions
            and the bias of the input layer are drawn; `None` where these
            start from zeros, as in the paper.
    """

    backbone_name: str
    model_type: str | None = None
    initial_values: Any
    vocabulary: Mapping[str, int] = {"vocabulary_size": 1}
    dropouts: tuple[str, ...] = ("dropout",)
    config_overrides: tuple[str, ...] = ()
    position_embedding: Any
    final_norm: Any
    siblings: Siblings
    owns_positions: bool = True
    lifts_zeros: bool | None = None
    initial_token_std: float = 0.02  # of most families

    @own_paths()
    def __init__(
        self,
        config: dict[str, Any],
        options: dict[str, Any] | None = None,
        preset: str | None = None,
        finetune: Finetune = "fpt",
        adapted: bool = False,
        token_std: float | None = None,
        backbone: Any = None,
        dtype: Any = None,
        name: str = "trunk",
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, name=name, **kwargs)
        # === Config ===
        self.config = dict(config)
        self.options = TrunkOptions(**(options or {}))
        self.preset = preset
        self.hidden_dim = config["hidden_dim"]
        self.adapted = False
        self.token_std = token_std

        # === Layers ===
        # Not on the class: PyTorch would find them there before the layers.
        self.position_embedding = None
        self.final_norm = None
        blocks = self.take_layers(backbone or self.new_backbone())
        self.blocks = blocks[: config["num_layers"]]
        if self.position_embedding is not None:
            self.num_positions = self.position_embedding.sequence_length
        self.built = True
        self.set_finetune(finetune)
        if adapted:
            self.adapt()
        # Trunks that hold some frozen layers of this one, or had done so.
        self.siblings = Siblings()
        self.siblings.add(self)
        fresh = self.weights if backbone is None else ()
        self._unloaded = UnloadedValues(fresh)

    # What a family supplies.

    def take_layers(self, backbone: Any) -> list[Any]:
        """Takes the layers around the blocks, and returns the blocks."""
        raise NotImplementedError

    def embed_positions(self, tokens: Any) -> Any:
        """Adds position embeddings, if the trunk has any.

        Args:
            tokens: Tensor of shape `(batch, num_tokens, hidden_dim)`.
        """
        if self.position_embedding is None:
            return tokens
        return tokens + self.position_embedding(tokens)

    def block_context(self, x: Any, padding_mask: Any) -> Any:
        """Per-call input shared by all blocks, such as the attention mask."""
        return padding_mask

    def run_block(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        """Applies one block to `(batch, num_tokens, hidden_dim)`."""
        raise NotImplementedError

    def run_last_block(
        self, block: Any, x: Any, context: Any, training: Any, last: int | None
    ) -> Any:
        """Applies the last block, and returns only the last tokens.

        A family may compute no more than these.

        Args:
            last: int or `None`. How many tokens; `None` if all.
        """
        x = self.run_block(block, x, context, training)
        return x if last is None else x[:, -last:]

    def block_attention(self, block: Any, x: Any, context: Any) -> Any:
        """Attention of one block: `(batch, heads, num_tokens, num_tokens)`."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how its blocks attend: give "
            "it a method `block_attention`"
        )

    def final(self, x: Any) -> Any:
        """Applies the final norm, if the trunk has one."""
        return x if self.final_norm is None else self.final_norm(x)

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Sizes in a Hugging Face `config.json` that keras-nlp leaves out.

        Raises:
            ValueError: if the model computes otherwise than the trunk would.
        """
        return {}

    @classmethod
    def add_hugging_face_values(cls, backbone: Any, model: Any) -> None:
        """Fills in what keras-nlp leaves out of a Hugging Face model.

        Args:
            backbone: a keras-nlp backbone, otherwise filled.
            model: `HuggingFaceModel`. Its `get_tensor` raises a `KeyError`
                for a name that is not there.
        """

    @classmethod
    def variables_of(cls, backbone: Any) -> dict[str, Any]:
        """A backbone's variables by the paths that they have in a trunk."""
        # Those of a backbone from a `keras.name_scope` begin with its name.
        scope = scope_of(backbone)
        return {
            variable.path.removeprefix(scope): variable
            for variable in backbone.weights
        }

    @classmethod
    def values_of(cls, backbone: Any) -> dict[str, Any]:
        """A backbone's values by the paths that they have in a trunk."""
        return cls.variables_of(backbone)

    # What every trunk does.

    @classmethod
    def from_hugging_face(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The overrides, or none of another preset, whose config is empty."""
        return cls.overrides_from_hugging_face(config) if config else {}

    @classmethod
    def from_backbone(
        cls,
        backbone: Any,
        options: TrunkOptions | None = None,
        preset: str | None = None,
        copy: bool = True,
        overrides: Mapping[str, Any] | None = None,
    ) -> Trunk:
        """Opens a backbone.

        Args:
            backbone: a keras-nlp backbone of this family.
            options: `TrunkOptions` or `None`. What is to differ. Quantization
                and LoRA wait for `adapt`. Defaults to `None`, nothing.
            preset: string or `None`. What the backbone was loaded from.
            copy: bool. Whether the backbone stays the caller's: `False` may
                take over its layers. Defaults to `True`.
            overrides: mapping or `None`. What keras-nlp does not read from
                a preset. Defaults to `None`.
        """
        options = options or TrunkOptions()
        config = {**_config_of(backbone), **(overrides or {})}
        blocks = chosen_blocks(options.num_layers, config["num_layers"])
        config["num_layers"] = len(blocks)
        # The trunk numbers its blocks from the first on.
        copy = copy or blocks != list(range(len(blocks)))
        if cls.owns_positions:
            available = config["max_sequence_length"]
            config["max_sequence_length"] = options.num_positions or available
            # A table of another size is a variable of its config.
            copy = copy or config["max_sequence_length"] != available
        trunk = cls(
            config,
            dataclasses.asdict(options),
            preset,
            token_std=None if cls.owns_positions else embedding_std(backbone),
            backbone=None if copy else backbone,
            dtype=backbone.dtype_policy,
        )
        values = cls.values_of(backbone)
        variables = {variable.path: variable for variable in trunk.weights}
        if trunk.position_embedding is not None:
            table = variables.pop(trunk.position_embedding.weights[0].path)
            if cls.owns_positions:
                rows = repeat_rows(values[table.path], table.shape[0])
                table.assign(rows)
        if copy:
            paths = source_paths(trunk, blocks, values)
            copy_values(values, list(variables.values()), paths)
        # A table of positions that was added starts from zeros.
        trunk.note_loaded()
        return trunk

    def call(
        self,
        tokens: Any,
        padding_mask: Any = None,
        training: Any = None,
        attention_of: int | None = None,
    ) -> Any:
        self.check_loaded()
        self.check_length(tokens.shape[1])
        x = self.embed_positions(tokens)
        context = self.block_context(x, padding_mask)
        if attention_of is not None:
            for block in self.blocks[:attention_of]:
                x = self.run_block(block, x, context, training)
            return self.block_attention(self.blocks[attention_of], x, context)
        *others, last_block = self.blocks
        for block in others:
            x = self._run(block, self.run_block, x, context, training)
        x = self._run(last_block, self._run_last, x, context, training)
        return self.final(x)  # (batch, num_tokens or last_tokens, hidden_dim)

    def attention_scores(
        self, tokens: Any, layer: int, padding_mask: Any = None
    ) -> Any:
        """Attention of one block, after softmax, without dropout.

        Args:
            tokens: Tensor of shape `(batch, num_tokens, hidden_dim)`.
            layer: int. The block, counted from 0.
            padding_mask: Tensor of shape `(batch, num_tokens)` or `None`.

        Returns:
            Tensor of shape `(batch, heads, num_tokens, num_tokens)`.
        """
        # A call, for its dtype policy.
        return self(
            tokens,
            padding_mask=padding_mask,
            training=False,
            attention_of=layer,
        )

    def compute_output_shape(
        self, tokens_shape: Any, padding_mask_shape: Any = None
    ) -> Any:
        batch, num_tokens, hidden_dim = tokens_shape
        return batch, self.last_tokens or num_tokens, hidden_dim

    def adapt(self) -> None:
        """Quantizes and adds LoRA, as its options say; once, values at hand."""
        if self.options.quantization:
            quantize(self, self.options.quantization)
        if self.options.lora_rank:
            add_lora(self, self.options.lora_rank)
        self.adapted = True
        if self.options.quantization or self.options.lora_rank:
            forget_replaced_variables(self)
            # There are other variables now.
            self.set_finetune(self.finetune)

    def settle_token_std(self, fresh: bool) -> None:
        """Keeps the size of words where a token of zeros would stay zero.

        Args:
            fresh: bool. Whether words have the size of a fresh backbone's.
        """
        lifts = self.owns_positions or self.lifts_zeros
        if lifts is None:
            lifts = has_biases(self.weights)
        if lifts:
            self.token_std = None
        elif fresh or not self.token_std:
            self.token_std = self.initial_token_std

    def sibling(self, finetune: Finetune) -> Trunk:
        """A trunk of the same values, which shares the frozen layers.

        Args:
            finetune: string or sequence of strings. What of it is trained.
        """
        self.check_loaded()
        config = {**self.get_config(), "finetune": finetune}
        for key in ("flags", "shared"):  # of this trunk alone
            config.pop(key, None)
        twin = type(self)(**config)
        share_frozen_layers(twin, self)
        twin.siblings = self.siblings
        twin.siblings.add(twin)
        copy_all_values(twin, self)
        twin.note_loaded()
        return twin

    def check_trained(self, paths: Collection[str]) -> None:
        check_not_quantized(self, paths)
        check_not_shared(self, paths)

    @property
    def unloaded(self) -> list[str]:
        """Paths of the variables whose values were neither loaded nor drawn.

        Empty wherever the values are those that the config speaks of.
        """
        return self._unloaded.paths

    def note_loaded(self) -> None:
        """Says that all variables have their values."""
        self._unloaded.forget_all()

    def note_unloaded(self) -> None:
        """Says that the present values stand for none, until others come."""
        self._unloaded = UnloadedValues(self.weights)

    def check_loaded(self) -> None:
        missing = self.unloaded
        if missing:
            source = "from_preset" if self.preset else "its constructor"
            raise ValueError(
                f"The values of this trunk, {self.describe()}, were never "
                "loaded: it was made from a config, which holds none, so they "
                "are random. Load them with `model.load_weights` or "
                "`model.set_weights`, or build the model by "
                f"{source}; `keras.saving.load_model` reads a config with its "
                f"values. Received: {len(missing)} variables without values, "
                f"such as {missing[0]!r}"
            )

    def save_own_variables(self, store: Any) -> None:
        self.check_loaded()
        super().save_own_variables(store)

    def new_backbone(self) -> Any:
        """A backbone of this config, with fresh values."""
        import keras_nlp

        backbone = getattr(keras_nlp.models, self.backbone_name)
        own = {
            key: value
            for key, value in self.config.items()
            if key not in self.config_overrides
        }
        return backbone(**self.vocabulary, **own, dtype=self.dtype_policy)

    def save_to_preset(self, folder: str) -> None:
        """Writes a keras-nlp preset, with a token table of one row.

        Args:
            folder: string. Where to; `from_preset` loads it.

        Raises:
            ValueError: if the trunk has what its keras-nlp class has not.
        """
        self.check_loaded()
        added = self.position_embedding is not None and not self.owns_positions
        beyond = {
            "an added position table": added,
            "quantized kernels": self.options.quantization is not None,
            "LoRA": self.options.lora_rank is not None,
            **{f"its own {n}": n in self.config for n in self.config_overrides},
        }
        found = [what for what, is_there in beyond.items() if is_there]
        if found:
            raise ValueError(
                f"A {self.backbone_name} has no place for {', '.join(found)}: "
                "expected a trunk without, or use `model.save`"
            )
        backbone = self.new_backbone()
        own = {variable.path: variable for variable in self.weights}
        for path, variable in self.variables_of(backbone).items():
            # What a trunk drops is nothing: BERT adds its segment to the rest.
            value = own.get(path, keras.ops.zeros(variable.shape))
            variable.assign(keras.ops.copy(value))
        backbone.save_to_preset(folder)

    def describe(self) -> str:
        preset = self.preset or "a backbone object"
        chosen = self.options.num_layers
        if isinstance(chosen, tuple):
            return f"blocks {list(chosen)} of {preset}"
        return f"{len(self.blocks)} blocks of {preset}"

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> Trunk:
        source = described_trunk(config)
        # Files of version 0.1 say "sizes".
        config = {
            ("config" if k == "sizes" else k): v for k, v in config.items()
        }
        shared = config.pop("shared", None)
        trunk = super().from_config(config, custom_objects)
        if shared:
            trunk.siblings = keras.saving.deserialize_keras_object(
                shared["siblings"]
            )
            trunk.siblings.add(trunk)
            trunk.siblings.take_shared(trunk, shared["layers"])
            trunk._unloaded.keep(trunk.weights)
        if source is not None and not source.unloaded:
            copy_all_values(trunk, source)
        return trunk

    def get_config(self) -> dict[str, Any]:
        config = {
            "config": self.config,
            "options": dataclasses.asdict(self.options),
            "preset": self.preset,
            "adapted": self.adapted,
            **super().get_config(),
            **shared_config(self),
        }
        if self.token_std is not None:
            config["token_std"] = self.token_std
        return LiveConfig(config, self)

    def _run(
        self, block: Any, run: Any, x: Any, context: Any, training: Any
    ) -> Any:
        if not (self.options.remat and training):
            return run(block, x, context, training)
        return remat(
            block, lambda x, context: run(block, x, context, True), x, context
        )

    def _run_last(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        return self.run_last_block(
            block, x, context, training, self.last_tokens
        )

    def _learned_positions(self, default: int | None = None) -> Any:
        """A new table of positions, still zeros, if one is wanted.

        Args:
            default: int or `None`. How many, for a family that always has
                one. Defaults to `None`: there is one where it is asked for.
        """
        import keras_nlp

        num_positions = (
            self.options.num_positions or default
            if default
            else self.options.new_positions(type(self).__name__)
        )
        if num_positions is None:
            return None
        table = keras_nlp.layers.PositionEmbedding(
            num_positions,
            initializer="zeros",
            dtype=self.dtype_policy,
            name="position_embedding",
        )
        table.build((None, num_positions, self.hidden_dim))
        return table


def _config_of(backbone: Any) -> dict[str, Any]:
    """The arguments of a backbone, except those of dropped parts."""
    dropped = ("name", "trainable", "dtype", "vocabulary_size")
    config = backbone.get_config()
    # A file gives lists back for tuples.
    lists = {k: list(v) for k, v in config.items() if isinstance(v, tuple)}
    return {k: v for k, v in {**config, **lists}.items() if k not in dropped}
