"""The interface of a sequence model: input tokens, outputs and readout.

Every model on sequences takes it the same way: from a task, or as arguments.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence
from types import NoneType
from typing import Any
from typing import ClassVar

import keras
import numpy as np

from keras_fpt.checks import check_ids
from keras_fpt.checks import read_mask
from keras_fpt.finetuning import NORMALIZATION
from keras_fpt.layers.head import Outputs
from keras_fpt.layers.head import head
from keras_fpt.layers.head import output_sizes
from keras_fpt.layers.normalization import Standardization
from keras_fpt.layers.normalization import Statistics
from keras_fpt.layers.normalization import read_statistics
from keras_fpt.layers.padding import ZeroPadding
from keras_fpt.layers.readout import Readout
from keras_fpt.layers.tokens import Inputs
from keras_fpt.layers.tokens import TokenSpec
from keras_fpt.tasks import Task


@dataclasses.dataclass(frozen=True)
class Interface:
    """The trained layers around a trunk, and the sizes that shape them.

    Args:
        tokens: `TokenSpec`. What goes in.
        outputs: tuple of ints. What comes out, as `output_sizes` reads it.
        readout: string. Which hidden vectors the head sees.
        padding_mask: bool. Whether a padding mask goes in, too.
        normalization: pair of tuples of floats, `False` or `None`. Mean and
            variance by which tokens are standardized, as `read_statistics`
            reads them. `False` was asked for, `None` was not. Defaults to
            `None`.

    Attributes:
        groups: mapping from `"normalization"`, `"input"` and `"output"` to
            regular expressions over the paths of these layers' variables.
    """

    tokens: TokenSpec
    outputs: tuple[int, ...]
    readout: str
    padding_mask: bool
    normalization: Statistics | None = None
    groups: ClassVar[Mapping[str, Sequence[str]]] = {
        NORMALIZATION: (r"normalization/\w+",),
        "input": (r"input_(projection|embedding)/\w+",),
        "output": (r"head/\w+",),
    }

    def __post_init__(self) -> None:
        if (self.read_tokens or 1) > self.tokens.num_tokens:
            raise ValueError(
                f"Cannot read out the last {self.read_tokens} tokens of a "
                f"sequence of {self.tokens.num_tokens}: `outputs` asks for "
                "more tokens than `inputs` has"
            )
        if self.readout == "last_real" and not self.padding_mask:
            raise ValueError(
                'readout="last_real" needs to know which tokens are real: '
                "pass `padding_mask=True`"
            )
        if self.readout == "flatten" and self.padding_mask:
            raise ValueError(
                'readout="flatten" reads every token at its place: expected '
                "sequences of one length and no padding mask. Pad them "
                'yourself, or choose "mean" or "last_real". Received: '
                "padding_mask=True"
            )

    @classmethod
    def of(
        cls,
        task: Task | None,
        inputs: Inputs | None,
        outputs: Outputs | None,
        readout: str | None,
        padding_mask: bool | None,
        normalize: Any = None,
    ) -> Interface:
        """Reads a task, or the four arguments that stand for one.

        `normalize` is read with either: `None` is what the task says.
        """
        given = (inputs, outputs, readout, padding_mask)
        if task is not None:
            if not isinstance(task, Task):
                raise ValueError(
                    "`task` is an object of a `keras_fpt.tasks.Task`: make it, "
                    'for instance with `keras_fpt.tasks.get("bit_xor")`. '
                    f"Received: task={task!r}"
                )
            if any(argument is not None for argument in given):
                raise ValueError(
                    "`task` says inputs, outputs, readout and padding_mask: "
                    "pass either a task or these arguments, not both"
                )
            given = task.inputs, task.outputs, task.readout, task.padding_mask
        inputs, outputs, readout, padding_mask = given
        if not isinstance(padding_mask, (bool, np.bool_, NoneType)):
            raise ValueError(
                "`padding_mask` says whether there is a mask, as True or "
                "False; the masks themselves go into `fit`. Received: "
                f"padding_mask={_kind(padding_mask)}"
            )
        if readout is None:  # the last token would be padding
            readout = "last_real" if padding_mask else "last"
        if inputs is None or outputs is None:
            raise ValueError(
                "Pass `task=`, or both `inputs=` and `outputs=`. Received: "
                f"inputs={inputs!r}, outputs={outputs!r}"
            )
        interface = cls(
            TokenSpec.of(inputs),
            output_sizes(outputs),
            readout,
            bool(padding_mask),
        )
        statistics = read_statistics(
            normalize, task, interface.tokens.token_dim, interface.check
        )
        return dataclasses.replace(interface, normalization=statistics)

    @property
    def read_tokens(self) -> int | None:
        """How many tokens are read; `None` for one without token axis."""
        return self.outputs[0] if len(self.outputs) > 1 else None

    @property
    def last_tokens(self) -> int | None:
        """How many tokens, from the end, are read; `None` if others may be."""
        return (self.read_tokens or 1) if self.readout == "last" else None

    def config(self, layer: Standardization | None = None) -> dict[str, Any]:
        """The arguments that make this interface again.

        Args:
            layer: `Standardization` or `None`. Whose present statistics are
                written. Defaults to `None`: those that were given.
        """
        one, *more = self.outputs
        config = {
            "inputs": self.tokens.config(),
            "outputs": [one, *more] if more else one,
            "readout": self.readout,
            "padding_mask": self.padding_mask,
        }
        if self.normalization is None:  # as in files of before
            return config
        given = layer.statistics() if layer else self.normalization
        return {**config, "normalize": given and [list(one) for one in given]}

    def same_but_normalization(self, task: Task | None, arguments: Any) -> bool:
        """Whether a task, or arguments, say this and no normalization."""
        names = ("inputs", "outputs", "readout", "padding_mask")
        other = self.of(task, *(arguments.get(name) for name in names))
        return other == dataclasses.replace(self, normalization=None)

    def model_inputs(self) -> tuple[Any, Any]:
        """The `keras.Input` of tokens and of the mask, or `None` for it."""
        tokens = self.tokens.model_input(variable_length=self.padding_mask)
        if not self.padding_mask:
            return tokens, None
        return tokens, keras.Input((None,), dtype="bool", name="padding_mask")

    def signature(self) -> list[Any]:
        """What an exported model takes: whole sequences, in any batch."""
        x = self.tokens.model_input(variable_length=False)
        tokens = keras.InputSpec(x.dtype, x.shape, name="tokens")
        if not self.padding_mask:
            return [tokens]
        mask = keras.InputSpec("bool", x.shape[:2], name="padding_mask")
        # In alphabetical order, as every backend flattens them.
        return [{"padding_mask": mask, "tokens": tokens}]

    def standardize(
        self, tokens: Any, padding_mask: Any = None
    ) -> tuple[Any, Standardization | None]:
        """Standardizes tokens where that was asked for; gives the layer.

        Whatever stands at padded places is replaced by zeros before.
        """
        if padding_mask is not None:
            tokens = ZeroPadding(name="zero_padding")(tokens, padding_mask)
        if not self.normalization:
            return tokens, None
        layer = Standardization(*self.normalization)
        return layer(tokens), layer

    def answer(self, hidden: Any, padding_mask: Any) -> Any:
        """Applies readout and head to `(batch, num_tokens, hidden_dim)`."""
        readout = Readout(self.read_tokens, self.readout, name="readout")
        # (batch, [k,] hidden_dim) or (batch, num_tokens * hidden_dim)
        read = readout(hidden, padding_mask)
        return head(read, self.outputs)

    def check(self, x: Any) -> None:
        """Refuses arrays that this interface cannot read.

        Only NumPy arrays are looked at: symbols have no values.
        """
        self.tokens.check(x, self.padding_mask)
        tokens, mask = x, None
        if isinstance(x, Mapping):
            tokens, mask = x["tokens"], x.get("padding_mask")
        if not isinstance(tokens, np.ndarray):
            return
        real = None
        if isinstance(mask, np.ndarray):
            real = self._read_mask(mask, tokens.shape[:2])
        if self.tokens.vocabulary_size is not None and tokens.size:
            check_ids(tokens, self.tokens.vocabulary_size, real)

    def _read_mask(self, mask: np.ndarray, shape: tuple[int, ...]) -> Any:
        least = self.read_tokens or 1
        if mask.shape == shape and shape[1] < least:
            raise ValueError(
                f"The head reads the last {least} tokens. Received sequences "
                f"of {shape[1]}: pad them to {least} at least"
            )
        real = self.readout == "last_real"
        return read_mask(mask, shape, least if real else 1, first=real)


def _kind(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return repr(value) if shape is None else f"an array of shape {shape}"
