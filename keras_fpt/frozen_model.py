"""A Keras model of which only chosen groups are trained, now and reloaded."""

from __future__ import annotations

from typing import Any

import keras

from keras_fpt import checkpoints
from keras_fpt import finetuning
from keras_fpt.layers import Interface
from keras_fpt.tensorflow_data import as_tensorflow_reads


class FrozenModel(keras.Model):
    """A functional model from tokens to answers that keeps its freeze.

    A subclass builds the functional model, then sets the attributes and calls
    `set_finetune_rules`; its config holds what leads to the same rules.

    Attributes:
        interface: `Interface`. What goes in and what comes out.
        finetune_rules: tuple of `finetuning.Rule`, tried in order. What is
            trained.
    """

    interface: Interface
    finetune_rules: tuple[finetuning.Rule, ...]

    def set_finetune_rules(self, rules: tuple[finetuning.Rule, ...]) -> None:
        """Freezes by rule. Called once, before `compile`."""
        self.finetune_rules = rules
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
