"""What every trunk is: the frozen stack between input layer and readout."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_fpt.finetuning import Finetune
from keras_fpt.finetuning import Rule
from keras_fpt.finetuning import apply_rules
from keras_fpt.finetuning import make_rules
from keras_fpt.sizes import whole_number


class Trunk(keras.Model):
    """The transformer blocks of a keras-nlp backbone, fed with vectors.

    A trunk owns its layers and values: it is built fresh or takes over a
    backbone that nobody else holds. It carries no token table.

    A family of architectures is a subclass in a file of its own. It supplies
    the class attributes and the methods below.

    Attributes:
        backbone_name: string. The keras-nlp class that it opens.
        groups: mapping from `"positions"`, `"layernorm"`, `"attention"` and
            `"feed_forward"` to regular expressions over whole variable paths,
            with `{block}` where the number of a block stands.
        initial_values: sequence of `(pattern, deviation, mean)`. The default
            scheme of the backbone: each variable is drawn from
            N(mean, deviation); the first pattern that matches counts.
        hidden_dim: int. The size of a hidden vector.
        num_positions: int or `None`. The longest sequence; `None` if any.
        blocks: list of layers. The transformer blocks, first to last.
        preset: string or `None`. What it was loaded from.
        finetune: string or sequence of strings. What of it is trained.
        finetune_rules: tuple of `finetuning.Rule`. What `finetune` means.
        taken: bool. Whether a model computes with it; it serves no second.
    """

    backbone_name: str
    groups: Mapping[str, Sequence[str]]
    initial_values: Sequence[tuple[str, float, float]]
    hidden_dim: int
    num_positions: int | None
    blocks: list[Any]
    preset: str | None
    finetune: Finetune
    finetune_rules: tuple[Rule, ...] = ()
    taken: bool = False

    @classmethod
    def from_backbone(
        cls,
        backbone: Any,
        num_layers: int | None = None,
        preset: str | None = None,
        copy: bool = True,
        num_positions: int | None = None,
    ) -> Trunk:
        """Opens a backbone.

        Args:
            backbone: a keras-nlp backbone of this family.
            num_layers: int or `None`. Keeps the first blocks only.
            preset: string or `None`. What the backbone was loaded from.
            copy: bool. Whether the backbone stays the caller's: `False` takes
                over its layers. Defaults to `True`.
            num_positions: int or `None`. Size of the position table: fewer
                keeps the first, more repeats them. Defaults to `None`, the
                backbone's.
        """
        raise NotImplementedError

    def call(self, tokens: Any, padding_mask: Any = None) -> Any:
        """Computes `(batch, num_tokens, hidden_dim)` from the same shape."""
        raise NotImplementedError

    def attention_scores(
        self, tokens: Any, layer: int, padding_mask: Any = None
    ) -> Any:
        """Attention of one block: `(batch, heads, num_tokens, num_tokens)`."""
        raise NotImplementedError

    def set_finetune(self, finetune: Finetune) -> None:
        """Chooses what is trained. Its config keeps the choice.

        Args:
            finetune: string or sequence of strings. Groups that a trunk does
                not have are none of its business.
        """
        rules = make_rules(finetune, self.groups, len(self.blocks))
        apply_rules(self.weights, rules)
        whole = isinstance(finetune, str)
        self.finetune = finetune if whole else list(finetune)
        self.finetune_rules = rules

    @property
    def trainable(self) -> bool:
        """Whether the trunk trains; `True` keeps the finetune rules."""
        return super().trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        keras.Model.trainable.fset(self, value)
        if value:
            apply_rules(self.weights, self.finetune_rules)

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


def copy_values(source: Iterable[Any], target: Sequence[Any]) -> None:
    """Copies values from variables to those of the same path.

    A layer of the source that holds more than its twin in the target, as a
    quantized layer or one with LoRA does, is refused: a copy would lose it.
    """
    by_path = {variable.path: variable for variable in source}
    paths = {variable.path for variable in target}
    layers = {path.rsplit("/", 1)[0] for path in paths}
    lost = [
        p for p in by_path if p.rsplit("/", 1)[0] in layers and p not in paths
    ]
    if lost:
        raise ValueError(
            "Cannot copy a backbone with LoRA or quantized layers: expected "
            f"plain weights, received {lost[0]!r} too. Build the model first"
        )
    for variable in target:
        # On JAX, training deletes the arrays that it replaces: never share.
        variable.assign(keras.ops.copy(by_path[variable.path]))


def repeat_rows(table: Any, num_rows: int) -> Any:
    """A table of more rows, which begin anew where they end, or of fewer.

    A pretrained position table serves longer sequences that way: between its
    copies, neighbours stay neighbours.

    Reference:
        [Beltagy et al., 2020](https://arxiv.org/abs/2004.05150), section 5
    """
    rows = keras.ops.arange(num_rows) % table.shape[0]
    return keras.ops.take(table, rows, axis=0)  # (num_rows, hidden_dim)


def check_num_layers(num_layers: int | None, available: int) -> int:
    """How many blocks to keep, refused if the backbone has fewer."""
    if num_layers is None:
        return available
    if whole_number("num_layers", num_layers) > available:
        raise ValueError(
            f"`num_layers` must lie in 1..{available}, the blocks of this "
            f"backbone. Received: num_layers={num_layers}"
        )
    return whole_number("num_layers", num_layers)
