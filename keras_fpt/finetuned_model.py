"""A Keras model of which chosen groups train, and may change between fits."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt import finetuning
from keras_fpt.flags import flags_by_hand
from keras_fpt.flags import set_flags
from keras_fpt.flags import with_flags
from keras_fpt.stack import Stack
from keras_fpt.watched_model import WatchedModel

# What a config holds of a model that was changed since it was built.
CHANGES = ("flags", "once_trained")


class FinetunedModel(WatchedModel):
    """Rules of what is trained, and flags that were set by hand.

    Attributes:
        trunk: `Stack`. It holds what `finetune` says.
        finetune_rules: tuple of `finetuning.Rule`, tried in order. What is
            trained, flags that were set by hand included.
    """

    trunk: Stack
    # Flags set by hand, of a model that is switched off.
    _flags_before_off: dict[str, bool]
    # Paths of all that was ever trained: some may be frozen by now.
    _once_trained: set[str]
    _training_noted: bool
    # Paths that were trained when the optimizer began to train them.
    _compiled_paths: list[str] | None

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

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        # In another model's `fit` and in loops of one's own, too.
        if training is True and not self._training_noted:
            self._note_training()
        return super().call(inputs, training=training, mask=mask)

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

    def _apply_finetune_rules(self) -> None:
        finetuning.apply_rules(self.weights, self._rules())
        # Keras keeps the flag of a layer in its config, and a trunk its rules:
        # even a clone, which is no longer of this class, is frozen.
        for layer in self.layers:
            flags = {weight.trainable for weight in layer.weights}
            if len(flags) == 1 and layer is not self.trunk:
                layer.trainable = flags.pop()
        self.trunk.heed_flags()
