"""A Keras model that trains chosen parameter groups, also after loading.

Longer than other files, as it is one class, with the methods that Keras calls.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any

import keras

from keras_fpt import checkpoints
from keras_fpt import finetuning
from keras_fpt import step_blocks
from keras_fpt.backend import own_paths
from keras_fpt.backend import xla_pays
from keras_fpt.export import export
from keras_fpt.files import save_whole
from keras_fpt.finetuned_model import CHANGES
from keras_fpt.finetuned_model import FinetunedModel
from keras_fpt.layers import Interface
from keras_fpt.optimizers import GroupAdam
from keras_fpt.stack import Stack


@keras.saving.register_keras_serializable(package="keras_fpt")
class FrozenModel(FinetunedModel):
    """Input layer, stack of blocks, readout and head, partly frozen.

    A functional model from tokens to answers that keeps its freeze. The
    frozen pretrained transformer is one, around a trunk; the baselines are
    others.

    Args:
        trunk: `Stack`. What computes between input layer and readout. It
            serves only this model.
        interface: `Interface`, or its config. What goes in and what comes
            out.
        finetune: string or sequence of strings. What is trained.
        dropout: float. Dropout after the linear input layer.
        name: string.
        input_bias: initializer of the input layer's bias. Defaults to
            `"zeros"`, the original's.

    Attributes:
        trunk: `Stack`.
        interface: `Interface`.
        finetune_rules: tuple of `finetuning.Rule`, tried in order. What is
            trained, flags that were set by hand included.
    """

    # Keras' own, which it makes by the functions below.
    train_function: Any
    test_function: Any

    @own_paths()
    def __init__(
        self,
        trunk: Stack,
        interface: Any,
        finetune: finetuning.Finetune,
        dropout: float,
        name: str,
        input_bias: Any = "zeros",
    ) -> None:
        if not isinstance(interface, Interface):
            interface = Interface.of(None, **interface)
        if not 0 <= dropout < 1:
            raise ValueError(
                "`dropout` is a share, at least 0 and less than 1. "
                f"Received: dropout={dropout!r}"
            )
        if trunk.taken:
            raise ValueError(
                "A trunk serves one model: pass a keras-nlp backbone, of which "
                "each model takes a copy, or call `model.sibling`. Received: "
                f"the trunk of another model, {trunk.describe()}"
            )
        trunk.check_length(interface.tokens.num_tokens)
        trunk.check_dtype()
        if not trunk.is_finetuned(finetune):
            trunk.set_finetune(finetune)
        finetuning.check_groups(finetune, trunk.groups)

        # === Functional Model ===
        trunk.last_tokens = interface.last_tokens
        tokens, mask = interface.model_inputs()
        named = {"tokens": tokens, "padding_mask": mask}
        x, standardization = interface.standardize(tokens, mask)
        embedded = interface.tokens.embed(
            x, trunk.hidden_dim, dropout, input_bias
        )
        hidden = trunk(embedded, padding_mask=mask)
        # (batch, num_tokens, hidden_dim)
        super().__init__(
            inputs=tokens if mask is None else named,
            outputs=interface.answer(hidden, mask),
            name=name,
        )

        # === Config ===
        self.trunk = trunk
        trunk.taken = True
        self.interface = interface
        self.standardization = standardization
        self.embedded_tokens = embedded
        self.dropout = dropout
        ids = interface.tokens.token_dim is None
        self._numbers_seen = ids or interface.normalization is not None
        self._flags_before_off = {}
        self._once_trained = set()
        self._training_noted = False
        self._compiled_paths = None
        self._apply_finetune_rules()

    def compile(
        self,
        optimizer: Any = "rmsprop",
        *args: Any,
        learning_rates: Any = None,
        jit_compile: Any = "auto",
        **kwargs: Any,
    ) -> None:
        """Same as `keras.Model.compile`, with learning rates for groups.

        Args:
            optimizer: as of `keras.Model`. Defaults to `"rmsprop"`, Keras'.
            learning_rates: dict from groups to floats, or `None`, such as
                `{"attention": 1e-5}`: other groups keep the optimizer's rate.
                Only for Adam and AdamW; the optimizer that was passed gets
                the rates and keeps all else. Defaults to `None`.
            jit_compile: bool or `"auto"`. Whether XLA or `torch.compile`
                compiles. Defaults to `"auto"`: where it pays.
            **kwargs: as of `keras.Model`.

        Raises:
            ValueError: if a group is not trained, or the optimizer is not
                Adam.
        """
        if learning_rates is not None:
            optimizer = GroupAdam.of(optimizer, learning_rates)
        if jit_compile == "auto" and not xla_pays():
            jit_compile = False
        super().compile(optimizer, *args, jit_compile=jit_compile, **kwargs)
        self._compiled_paths = None
        # In mixed_float16, Keras wraps the optimizer.
        inner = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        if isinstance(inner, GroupAdam):
            rules = self.finetune_rules
            inner.set_groups(
                {
                    v.path: finetuning.group_of(v.path, rules).name
                    for v in self.trainable_variables
                }
            )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # Keras leaves a `compile` that is not its own to its model.
        arguments = keras.saving.deserialize_keras_object(config)
        # Keras writes what "auto" meant on the backend that saved.
        arguments.pop("jit_compile", None)
        self.compile(**arguments)
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)
            self._compiled_paths = self._trained_paths()

    # Checked before a step begins: an error inside of one leaves a model on JAX
    # without values.

    def make_train_function(self, force: bool = False) -> None:
        self._check_compiled()
        if not step_blocks.serve(self):
            super().make_train_function(force)
        elif self.train_function is None or force:
            self.train_function = step_blocks.Blocks(
                self.train_step,
                step_blocks.kept(self),
                self.steps_per_execution,
            )

    def make_predict_function(self, force: bool = False) -> None:
        self.trunk.check_loaded()
        super().make_predict_function(force)

    def make_test_function(self, force: bool = False) -> None:
        self.trunk.check_loaded()
        if not step_blocks.serve(self):
            super().make_test_function(force)
        elif self.test_function is None or force:
            self.test_function = step_blocks.Blocks(
                self.test_step, step_blocks.kept(self), self.steps_per_execution
            )

    def save(
        self,
        filepath: checkpoints.Path,
        overwrite: bool = True,
        zipped: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """As of `keras.Model`; a file is written whole or not at all."""
        save = functools.partial(super().save, zipped=zipped)
        if zipped is False:  # a folder
            save(filepath, overwrite=overwrite, **kwargs)
        else:
            save_whole(save, filepath, overwrite, **kwargs)

    def save_weights(
        self,
        filepath: checkpoints.Path,
        overwrite: bool = True,
        max_shard_size: float | None = None,
    ) -> None:
        """As of `keras.Model`; one file is written whole or not at all."""
        save = super().save_weights
        if max_shard_size is None:
            save_whole(save, filepath, overwrite)
        else:
            save(filepath, overwrite, max_shard_size)

    def save_trained(self, path: checkpoints.Path) -> None:
        """Writes the trained variables to a safetensors file.

        The file names the trunk and holds a hash of its frozen values, so
        that it loads on no other. It is written whole or not at all. An input
        layer or a head that is frozen is written, too: no trunk has them.

        What was trained before `set_finetune` froze it, and what was
        unfrozen by hand, is written.

        Args:
            path: string or path. The file, usually named `*.safetensors`.
        """
        written, frozen = self._written_and_frozen()
        checkpoints.save_trained(path, written, frozen, self.get_config())

    def load_trained(self, path: checkpoints.Path) -> None:
        """Reads the trained variables of a `save_trained` file.

        Args:
            path: string or path. The file.

        Raises:
            ValueError: if the file is damaged, does not fit this model or was
                trained on another trunk. The model stays as it was.
        """
        theirs = set(checkpoints.read_header(path).get("once_trained", ()))
        written, frozen = self._written_and_frozen(theirs)
        checkpoints.load_trained(path, written, frozen, self.get_config())
        self._once_trained = theirs

    def frozen_sha256(self) -> str | None:
        """The hash of the frozen values, as `save_trained` writes it.

        Returns:
            String; `None` if nothing is frozen.
        """
        _, frozen = self._written_and_frozen()
        return checkpoints.frozen_hash(frozen) if frozen else None

    def export(
        self,
        filepath: checkpoints.Path,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Writes the model for another runtime, as `keras.Model.export` does.

        It takes batches of any size, of sequences of `num_tokens` tokens: pad
        shorter ones. SavedModel comes from TensorFlow and JAX, ONNX from
        PyTorch and, of blocks that tf2onnx can convert, from TensorFlow; a
        model trained on another backend is saved, loaded there and exported.

        Args:
            filepath: string or path. Where to.
            format: string. `"tf_saved_model"`, `"onnx"`, `"torch"` and the
                others of Keras. Defaults to `"tf_saved_model"`.
            verbose: bool or `None`. Defaults to `None`, Keras' own.
            input_signature: as of `keras.Model`. Defaults to `None`: whole
                sequences, in batches of any size.
            **kwargs: as of `keras.Model`.

        Raises:
            ValueError: if this backend would write a file that does not
                compute.
        """
        export(self, filepath, format, verbose, input_signature, **kwargs)

    def get_config(self) -> dict[str, Any]:
        trunk = keras.saving.serialize_keras_object(self.trunk)
        # Keras copies the entries; the trunk's own config knows its values.
        trunk["config"] = self.trunk.get_config()
        # It is built when it is made, whatever Keras notes after a load.
        trunk.pop("build_config", None)
        # Among those of the whole model, and right if that is switched off.
        trunk["config"].pop("flags", None)
        config = {
            "trunk": trunk,
            **self._arguments(),
            "name": self.name,
            "trainable": self.trainable,
        }
        return {**config, **self.changes()}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> FrozenModel:
        config = dict(config)
        trunk = keras.saving.deserialize_keras_object(
            config.pop("trunk"), custom_objects
        )
        trainable = config.pop("trainable", True)
        changes = {key: config.pop(key) for key in CHANGES if key in config}
        model = cls(trunk, **config)
        model.apply_changes(**changes)
        if not trainable:
            model.trainable = False
        return model

    def _arguments(self) -> dict[str, Any]:
        """The arguments, beside the trunk, that make this model again."""
        return {
            "interface": self.interface.config(self.standardization),
            "finetune": self.trunk.finetune,
            "dropout": self.dropout,
        }

    def _written_and_frozen(
        self, once_trained: Collection[str] | None = None
    ) -> tuple[list[Any], list[Any]]:
        """What a checkpoint holds, and what its trunk must bring.

        Args:
            once_trained: collection of strings or `None`. Paths of what is
                written though it is frozen. Defaults to `None`: of what this
                model has trained before.
        """
        self.trunk.check_loaded()
        before = self._once_trained if once_trained is None else once_trained
        rules = self.finetune_rules
        written: list[Any] = []
        frozen: list[Any] = []
        for variable in self.weights:
            group = finetuning.group_of(variable.path, rules)
            kept = group.trained or group.name in self.interface.groups
            kept |= variable.path in before
            (written if kept else frozen).append(variable)
        return written, frozen
