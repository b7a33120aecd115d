"""A Keras model of which only chosen groups are trained, now and reloaded.

Longer than other files, as it is one class, with the methods that Keras calls.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import keras

from keras_fpt import checkpoints
from keras_fpt import finetuning
from keras_fpt import step_blocks
from keras_fpt.backend import xla_pays
from keras_fpt.export import export
from keras_fpt.files import save_whole
from keras_fpt.layers import Interface
from keras_fpt.layers.number_check import describe_if_far
from keras_fpt.layers.number_check import some_tokens
from keras_fpt.optimizers import GroupAdam
from keras_fpt.stack import Stack
from keras_fpt.tensorflow_data import as_tensorflow_reads


@keras.saving.register_keras_serializable(package="keras_fpt")
class FrozenModel(keras.Model):
    """Input layer, a stack of blocks, readout, head; and what of it trains.

    A functional model from tokens to answers that keeps its freeze. The
    frozen pretrained transformer is one, around a trunk; the baselines are
    others.

    Args:
        trunk: `Stack`. What computes between input layer and readout. It
            serves this model alone.
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
            trained.
    """

    # Keras' own, which it makes by the functions below.
    train_function: Any
    test_function: Any

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
        rules = finetuning.make_rules(
            finetune, interface.groups, len(trunk.blocks)
        )
        finetuning.check_groups(finetune, trunk.groups)

        # === Functional Model ===
        trunk.last_tokens = interface.last_tokens
        tokens, mask = interface.model_inputs()
        named = {"tokens": tokens, "padding_mask": mask}
        x, standardization = interface.standardize(tokens)
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
        self.finetune_rules = trunk.finetune_rules + rules
        self._apply_finetune_rules()

    def finetune_summary(self, print_fn: Any = print) -> dict[str, Any]:
        """Prints what is trained, by group, and returns it as data.

        Two counts stand side by side: the true one, which Keras trains, and
        the paper's, which leaves out positions past the sequence, the bias of
        the head and the final norm.

        Args:
            print_fn: callable that takes a string. Defaults to `print`.

        Returns:
            Dict from each group, and `"total"`, to a dict of `"trained"`,
            `"total"` and `"paper"`: numbers of parameters.
        """
        counts = finetuning.count_parameters(
            self.weights, self.finetune_rules, self.interface.tokens.num_tokens
        )
        print_fn(finetuning.describe_counts(counts))
        return counts

    def compile(
        self,
        optimizer: Any = "rmsprop",
        *args: Any,
        learning_rates: Any = None,
        jit_compile: Any = "auto",
        **kwargs: Any,
    ) -> None:
        """As of `keras.Model`, with learning rates for groups.

        Args:
            optimizer: as of `keras.Model`. Defaults to `"rmsprop"`, Keras'.
            learning_rates: dict from groups to floats, or `None`, such as
                `{"attention": 1e-5}`: other groups keep the optimizer's rate.
                Only for Adam. Defaults to `None`.
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
        # In mixed_float16, Keras wraps the optimizer.
        inner = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        if isinstance(inner, GroupAdam):
            inner.set_groups(
                {
                    v.path: finetuning.group_of(v.path, self.finetune_rules)[0]
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

    def make_train_function(self, force: bool = False) -> None:
        if not step_blocks.serve(self):
            super().make_train_function(force)
        elif self.train_function is None or force:
            self.train_function = step_blocks.Blocks(
                self.train_step,
                step_blocks.kept(self),
                self.steps_per_execution,
            )

    def make_test_function(self, force: bool = False) -> None:
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
        written, frozen = self._written_and_frozen()
        checkpoints.load_trained(path, written, frozen, self.get_config())

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
        """As of `keras.Model`: writes the model for another runtime.

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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if args:
            self.check_tokens(args[0])
        return super().__call__(*args, **kwargs)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        **kwargs: Any,
    ) -> Any:
        self.check_tokens(x)
        _check_end(x, kwargs.get("steps_per_epoch"))
        self.warn_of_numbers(x)
        if isinstance(validation_data, (list, tuple)):
            self.check_tokens(validation_data[0])
        return super().fit(
            self._of_any_length(x),
            y,
            batch_size,
            epochs,
            verbose,
            callbacks,
            validation_split,
            self._of_any_length(validation_data),
            **kwargs,
        )

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        self.check_tokens(x)
        return super().evaluate(self._of_any_length(x), *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        self.check_tokens(x)
        return super().predict(self._of_any_length(x), *args, **kwargs)

    @property
    def trainable(self) -> bool:
        """Whether the model trains; `True` keeps the finetune rules."""
        return super().trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        keras.Model.trainable.fset(self, value)
        if value:
            self._apply_finetune_rules()

    def check_tokens(self, x: Any) -> None:
        """Refuses arrays that are no tokens of this model."""
        self.interface.check(x)

    def warn_of_numbers(self, x: Any) -> None:
        """Warns once, before training, of tokens far from 0 and 1."""
        tokens = None if self._numbers_seen else some_tokens(x)
        if tokens is not None:
            self._numbers_seen = True
            warning = describe_if_far(tokens)
            if warning:
                warnings.warn(warning, stacklevel=3)

    def get_config(self) -> dict[str, Any]:
        trunk = keras.saving.serialize_keras_object(self.trunk)
        # It is built when it is made, whatever Keras notes after a load.
        trunk.pop("build_config", None)
        return {
            "trunk": trunk,
            **self._arguments(),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> FrozenModel:
        config = dict(config)
        trunk = keras.saving.deserialize_keras_object(
            config.pop("trunk"), custom_objects
        )
        trainable = config.pop("trainable", True)
        model = cls(trunk, **config)
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

    def _of_any_length(self, x: Any) -> Any:
        """A data set whose batches may differ in length, on any backend.

        On TensorFlow, Keras expects of all batches the length that the first
        two have, and fails in the middle of an epoch.
        """
        varies = (
            isinstance(x, keras.utils.PyDataset)
            and self.interface.padding_mask
            and keras.backend.backend() == "tensorflow"
        )
        return as_tensorflow_reads(x) if varies else x

    def _apply_finetune_rules(self) -> None:
        finetuning.apply_rules(self.weights, self.finetune_rules)
        # Keras keeps the flag of a layer in its config, and a trunk its rules:
        # even a clone, which is no longer of this class, is frozen.
        for layer in self.layers:
            flags = {weight.trainable for weight in layer.weights}
            if len(flags) == 1:
                layer.trainable = flags.pop()

    def _written_and_frozen(self) -> tuple[list[Any], list[Any]]:
        """What a checkpoint holds, and what its trunk must bring."""
        written: list[Any] = []
        frozen: list[Any] = []
        for variable in self.weights:
            group = finetuning.group_of(variable.path, self.finetune_rules)
            own = group.name in self.interface.groups
            (written if group.trained or own else frozen).append(variable)
        return written, frozen


def _check_end(x: Any, steps_per_epoch: int | None) -> None:
    """Refuses an epoch without end, which Keras would train for ever."""
    endless = isinstance(x, keras.utils.PyDataset) and x.num_batches is None
    capped = steps_per_epoch or keras.config.max_steps_per_epoch()
    if endless and not capped:
        raise ValueError(
            f"{type(x).__name__} gives batches without end: pass "
            "`steps_per_epoch` to `fit`"
        )
