"""A Keras model of which only chosen groups are trained, now and reloaded.

Longer than other files, as it is one class, with the methods that Keras calls.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt import checkpoints
from keras_fpt import finetuning
from keras_fpt import step_blocks
from keras_fpt.backend import own_paths
from keras_fpt.backend import xla_pays
from keras_fpt.export import export
from keras_fpt.flags import flags_by_hand
from keras_fpt.flags import set_flags
from keras_fpt.flags import with_flags
from keras_fpt.layers import Interface
from keras_fpt.layers.number_check import describe_if_far
from keras_fpt.layers.number_check import some_tokens
from keras_fpt.optimizers import GroupAdam
from keras_fpt.stack import Stack
from keras_fpt.tensorflow_data import as_tensorflow_reads

# What a config holds of a model that was changed since it was built.
CHANGES = ("flags", "once_trained")


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
        # Flags set by hand, of a model that is switched off.
        self._flags_before_off: dict[str, bool] = {}
        # Paths of all that was ever trained: some may be frozen by now.
        self._once_trained: set[str] = set()
        self._training_noted = False
        # Paths that were trained when the optimizer began to train them.
        self._compiled_paths: list[str] | None = None
        self._apply_finetune_rules()

    @property
    def finetune_rules(self) -> tuple[finetuning.Rule, ...]:
        return with_flags(self._rules(), self._flags())

    def set_finetune(self, finetune: finetuning.Finetune) -> None:
        """Chooses what is trained from now on, as in gradual unfreezing.

        Flags that were set by hand give way to the choice. Values stay as
        they are: what was trained before and is frozen now is still written
        by `save_trained`. Compile the model again before the next `fit`.

        Args:
            finetune: string or sequence of strings. As of the constructor.

        Raises:
            ValueError: if there is no such group; if it is of kernels that
                are quantized, or of layers that a sibling computes with.

        Example:

        ```python
        model = keras_fpt.FrozenPretrainedTransformer.from_preset(
            "gpt2_tiny_en", inputs=(16, 3), outputs=2, finetune="output_only"
        )
        x, y = np.random.rand(64, 16, 3), np.random.randint(2, size=64)
        for finetune in ("output_only", "fpt", ("fpt", "attention[-1]")):
            model.set_finetune(finetune)
            model.compile(
                "adam", keras.losses.SparseCategoricalCrossentropy(True)
            )
            model.fit(x, y)
        ```

        Reference:
            [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146), on
            gradual unfreezing
        """
        finetuning.check_groups(finetune, self.trunk.groups)
        self.trunk.set_finetune(finetune)
        self._flags_before_off = {}
        self._training_noted = False
        self._apply_finetune_rules()
        if not self.trainable:
            keras.Model.trainable.fset(self, False)

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

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        # In another model's `fit` and in loops of one's own, too.
        if training is True and not self._training_noted:
            self._note_training()
        return super().call(inputs, training=training, mask=mask)

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
        """Whether the model trains; `True` keeps what `finetune` says.

        Flags of its layers that were set by hand are kept, too.
        """
        return super().trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if bool(value) == super().trainable:
            return
        if not value:
            self._flags_before_off = self._flags()
        # Off before on: a layer may be on by hand.
        keras.Model.trainable.fset(self, False)
        if value:
            keras.Model.trainable.fset(self, True)
            self._apply_finetune_rules()
            set_flags(self.weights, self._flags_before_off)

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

    def apply_changes(
        self,
        flags: Mapping[str, bool] | None = None,
        once_trained: Iterable[str] = (),
    ) -> None:
        """Makes what was changed since a model was built, from its config.

        Args:
            flags: mapping from paths to bools, or `None`. The flags that were
                set by hand. Defaults to `None`, none.
            once_trained: iterable of strings. Paths of what was trained
                before it was frozen. Defaults to `()`.
        """
        set_flags(self.weights, flags or {})
        self._once_trained = set(once_trained)

    def changes(self) -> dict[str, Any]:
        """The arguments of `apply_changes`, of which there are some."""
        frozen = self._once_trained - set(
            finetuning.trained_paths(self.weights, self.finetune_rules)
        )
        changes = {"flags": self._flags(), "once_trained": sorted(frozen)}
        return {key: value for key, value in changes.items() if value}

    def _rules(self) -> tuple[finetuning.Rule, ...]:
        """The rules of `finetune`, whatever was set by hand."""
        return self.trunk.finetune_rules + finetuning.make_rules(
            self.trunk.finetune,
            self.interface.groups,
            len(self.trunk.blocks),
        )

    def _flags(self) -> dict[str, bool]:
        """The flags that were set by hand."""
        if not self.trainable:
            return self._flags_before_off
        return flags_by_hand(self.weights, self._rules())

    def _trained_paths(self) -> list[str]:
        return [variable.path for variable in self.trainable_variables]

    def _note_training(self) -> None:
        """Notes what is trained now, unless a sibling would change with it."""
        paths = self._trained_paths()
        self.trunk.check_trained(paths)
        self._once_trained.update(paths)
        self._training_noted = True

    def _check_compiled(self) -> None:
        """Refuses to train other variables than the optimizer knows."""
        self.trunk.check_loaded()
        paths = self._trained_paths()
        if self._compiled_paths is None:
            self._compiled_paths = paths
        if paths != self._compiled_paths:
            raise ValueError(
                "What is trained has changed since the model was compiled: "
                "compile it again, so that the optimizer knows. Received: "
                f"{len(paths)} variables to train, "
                f"{len(self._compiled_paths)} when it was compiled"
            )
        self._note_training()

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
        finetuning.apply_rules(self.weights, self._rules())
        # Keras keeps the flag of a layer in its config, and a trunk its rules:
        # even a clone, which is no longer of this class, is frozen.
        for layer in self.layers:
            flags = {weight.trainable for weight in layer.weights}
            if len(flags) == 1 and layer is not self.trunk:
                layer.trainable = flags.pop()
        self.trunk.heed_flags()

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


def _check_end(x: Any, steps_per_epoch: int | None) -> None:
    """Refuses an epoch without end, which Keras would train for ever."""
    endless = isinstance(x, keras.utils.PyDataset) and x.num_batches is None
    capped = steps_per_epoch or keras.config.max_steps_per_epoch()
    if endless and not capped:
        raise ValueError(
            f"{type(x).__name__} gives batches without end: pass "
            "`steps_per_epoch` to `fit`"
        )
