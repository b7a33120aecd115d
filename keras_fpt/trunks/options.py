"""Options of a trunk that all families share."""

from __future__ import annotations

import dataclasses

from keras_fpt.sizes import whole_number
from keras_fpt.trunks.selection import NumLayers
from keras_fpt.trunks.selection import checked_num_layers

QUANTIZATIONS = ("int8", "int4", "bfloat16")
# The original's table for trunks without one (its ViT's).
DEFAULT_POSITIONS = 1024


@dataclasses.dataclass(frozen=True)
class TrunkOptions:
    """Differences between a trunk and the backbone that it is made from.

    Args:
        num_layers: int, sequence of ints or `None`. Keeps the first blocks
            only, or those that a sequence names, in its order; negative
            numbers count from the end.
        num_positions: int or `None`. Size of the position table.
        positions: `"learned"` or `None`. Gives a trunk without position table
            a new one.
        quantization: `"int8"`, `"int4"`, `"bfloat16"` or `None`. Stores the
            kernels of attention and feed-forward layers in 8 or 4
            bits, or in bfloat16.
        lora_rank: int or `None`. Adds matrices of this rank, which are
            trained, to the queries and values of the attention.
        remat: bool. Whether activations inside a block are recomputed in the
            backward pass instead of stored.
    """

    num_layers: NumLayers = None
    num_positions: int | None = None
    positions: str | None = None
    quantization: str | None = None
    lora_rank: int | None = None
    remat: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "num_layers", checked_num_layers(self.num_layers)
        )
        for name in ("num_positions", "lora_rank"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, whole_number(name, value))
        if self.positions not in (None, "learned"):
            raise ValueError(
                '`positions` must be "learned" or None. '
                f"Received: positions={self.positions!r}"
            )
        if self.quantization not in (None, *QUANTIZATIONS):
            raise ValueError(
                f"`quantization` must be one of {QUANTIZATIONS} or None. "
                f"Received: quantization={self.quantization!r}"
            )
        if not isinstance(self.remat, bool):
            raise ValueError(
                f"`remat` is a bool. Received: remat={self.remat!r}"
            )

    def new_positions(self, what: str) -> int | None:
        """Size of the table that a trunk without one gets, if any."""
        if self.positions == "learned":
            return self.num_positions or DEFAULT_POSITIONS
        if self.num_positions is not None:
            raise ValueError(
                f"A {what} has no position table of its own: expected "
                '`positions="learned"` beside `num_positions`. Received: '
                f"num_positions={self.num_positions}, positions=None"
            )
        return None
