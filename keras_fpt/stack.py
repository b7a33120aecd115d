"""The stack of layers between the input layer and the readout.

A pretrained trunk is one; the baselines bring others.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt.finetuning import LORA
from keras_fpt.finetuning import LORA_PATHS
from keras_fpt.finetuning import Finetune
from keras_fpt.finetuning import Rule
from keras_fpt.finetuning import apply_rules
from keras_fpt.finetuning import make_rules
from keras_fpt.finetuning import trained_paths
from keras_fpt.flags import flags_by_hand
from keras_fpt.flags import set_flags


class Stack(keras.Model):
    """A stack of blocks from hidden vectors to hidden vectors.

    A subclass builds its layers in its constructor, then calls
    `set_finetune`; its config holds `finetune`.

    Attributes:
        groups: mapping from `"positions"`, `"layernorm"`, `"attention"`,
            `"feed_forward"` and `"recurrent"` to regular expressions over
            whole variable paths, with `{block}` where the number of a block
            stands.
        first_block: int. The number of the first block in these paths.
        hidden_dim: int. The size of a hidden vector.
        num_positions: int or `None`. The longest sequence; `None` if any.
        blocks: list of layers, first to last.
        finetune: string or sequence of strings. What of it is trained.
        finetune_rules: tuple of `finetuning.Rule`. What `finetune` means.
        taken: bool. Whether a model computes with it; it serves no second.
        last_tokens: int or `None`. How many tokens, from the end, that model
            reads: a stack may return these alone. `None` if all.

    Call arguments:
        tokens: Tensor of shape `(batch, num_tokens, hidden_dim)`.
        padding_mask: Tensor of shape `(batch, num_tokens)` or `None`. Nonzero
            where a token is real.
    """

    groups: Mapping[str, Sequence[str]]
    first_block: int = 0
    hidden_dim: int
    num_positions: int | None = None
    blocks: list[Any]
    finetune: Finetune
    finetune_rules: tuple[Rule, ...] = ()
    taken: bool = False
    last_tokens: int | None = None

    def call(
        self, tokens: Any, padding_mask: Any = None, training: Any = None
    ) -> Any:
        """Computes `(batch, num_tokens, hidden_dim)` from the same shape."""
        raise NotImplementedError

    def describe(self) -> str:
        """What it is, in a few words."""
        return f"{type(self).__name__} of {len(self.blocks)} blocks"

    def set_finetune(self, finetune: Finetune) -> None:
        """Chooses what is trained. Its config keeps the choice.

        Args:
            finetune: string or sequence of strings. Groups that a stack does
                not have are none of its business.
        """
        rules = self.rules_for(finetune)
        if self.taken:
            self.check_trained(trained_paths(self.weights, rules))
        if not self.trainable:
            keras.Model.trainable.fset(self, True)
        apply_rules(self.weights, rules)
        self.heed_flags()
        self.finetune = _as_config(finetune)
        self.finetune_rules = rules

    def heed_flags(self) -> None:
        """Lets `trainable = True` act on a layer that is partly frozen.

        On TensorFlow, setting an attribute to the object that it is does
        nothing, and `trainable` of such a layer is `True`: it becomes NumPy's
        True, which configs turn into Python's.
        """
        if keras.backend.backend() != "tensorflow":
            return
        for layer in self._flatten_layers(include_self=False):
            vars(layer)["_trainable"] = np.bool_(layer.trainable)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "trainable":  # for the same reason
            self._switch(value)
        else:
            super().__setattr__(name, value)

    def rules_for(self, finetune: Finetune) -> tuple[Rule, ...]:
        """What a selection means for this stack.

        Args:
            finetune: string or sequence of strings.
        """
        return make_rules(
            finetune,
            {LORA: LORA_PATHS, **self.groups},
            len(self.blocks),
            self.first_block,
        )

    def check_trained(self, paths: Collection[str]) -> None:
        """Refuses to train variables that cannot be trained here.

        Args:
            paths: collection of strings. The paths of variables that are to
                be trained.
        """

    def is_finetuned(self, finetune: Finetune) -> bool:
        """Whether this is what it trains already."""
        known = isinstance(finetune, (str, list, tuple))
        return known and self.finetune == _as_config(finetune)

    @property
    def trainable(self) -> bool:
        """Whether the stack trains; `True` after `False` restores `finetune`.

        Raises:
            ValueError: if it is set to `True` where it is, as is done to
                unfreeze a layer of Keras: `set_finetune` of the model does.
        """
        return super().trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._switch(value)

    def _switch(self, value: bool) -> None:
        if not value:
            keras.Model.trainable.fset(self, False)
        elif not self.trainable:
            keras.Model.trainable.fset(self, True)
            apply_rules(self.weights, self.finetune_rules)
            self.heed_flags()
        elif self.taken:  # Keras itself does it to parts of models it loads
            raise ValueError(
                "`trainable = True` does not unfreeze a trunk, of which "
                f"finetune={self.finetune!r} is trained: call "
                '`model.set_finetune("full")` to train all of it, or '
                '`model.set_finetune(("fpt", "attention[-1]"))` for some'
            )

    def check_loaded(self) -> None:
        """Refuses to go on with values that are not those of the config.

        Nothing to refuse where, as in the baselines, values start from random
        ones.
        """

    def check_dtype(self) -> None:
        """Refuses variables in float16, where Adam's 1e-8 is zero."""
        if self.variable_dtype == "float16":
            raise ValueError(
                "A trunk with variables in float16 does not train: Adam "
                "divides by its epsilon, which float16 rounds to 0. Expected "
                "float32, bfloat16 or a mixed policy such as mixed_float16"
            )

    def check_length(self, num_tokens: int | None) -> None:
        """Refuses sequences that are longer than the position table."""
        if self.num_positions is None or num_tokens is None:
            return
        if num_tokens > self.num_positions:
            raise ValueError(
                f"The trunk has {self.num_positions} positions. Received "
                f"{num_tokens} tokens: shorten the sequence, group more of it "
                "into one token, or ask for a longer table by "
                f"`num_positions={num_tokens}`"
            )

    def compute_output_shape(
        self, tokens_shape: Any, padding_mask_shape: Any = None
    ) -> Any:
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        config = {
            "finetune": self.finetune,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
        }
        flags = flags_by_hand(self.weights, self.finetune_rules)
        return {**config, "flags": flags} if flags else config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> Stack:
        config = dict(config)
        flags = config.pop("flags", {})
        stack = cls(**config)
        set_flags(stack.weights, flags)
        return stack


def _as_config(finetune: Finetune) -> str | list[str]:
    return finetune if isinstance(finetune, str) else list(finetune)
