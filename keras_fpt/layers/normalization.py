"""Standardizes numbers as they come in, by a given mean and variance."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import Literal

import keras
import numpy as np
from keras import ops

# Mean and variance of each number of a token. `False`: left out on purpose.
Statistics = tuple[tuple[float, ...], tuple[float, ...]] | Literal[False]

_FORMS = (
    "`normalize` is tokens as for `fit`, a pair `(mean, variance)`, or `False`"
)
_ROWS = 4096  # tokens that are in float64 at once


@keras.saving.register_keras_serializable(package="keras_fpt")
class Standardization(keras.layers.Layer):
    """Subtracts the mean and divides by the standard deviation, in float32.

    `keras.layers.Normalization` makes the same numbers, but holds a given mean
    and variance as constants of the compiled step. Here they are variables,
    which are never trained: replicas may differ in them, and a file of weights
    has them.

    Args:
        mean: sequence of floats. One for each entry of the last axis.
        variance: sequence of floats. One for each entry, above 0.
        name: string. Defaults to `"normalization"`.

    Example:

    ```python
    layer = keras_fpt.layers.Standardization([100.0, 0.0], [4.0, 1.0])
    layer(np.array([[102.0, 1.0]]))  # [[1.0, 1.0]]
    ```
    """

    def __init__(
        self,
        mean: Any,
        variance: Any,
        name: str = "normalization",
        **kwargs: Any,
    ) -> None:
        # In bfloat16, 100.1 and 99.9 are one number.
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})
        self.given = (mean, variance)

    def build(self, input_shape: Any) -> None:
        self.mean, self.variance = (
            self.add_weight(
                shape=(len(values),),
                initializer=lambda shape, dtype, values=values: (
                    ops.convert_to_tensor(values, dtype)
                ),
                trainable=False,
                name=name,
            )
            for name, values in zip(
                ("mean", "variance"), self.given, strict=True
            )
        )

    def call(self, inputs: Any) -> Any:
        inputs = ops.cast(inputs, "float32")
        return (inputs - self.mean) / ops.sqrt(self.variance)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def statistics(self) -> tuple[list[float], list[float]]:
        """Mean and variance as they are: a loaded file may bring others."""
        held = self.weights or self.given
        mean, variance = (ops.convert_to_numpy(values) for values in held)
        return mean.tolist(), variance.tolist()

    def get_config(self) -> dict[str, Any]:
        mean, variance = self.statistics()
        return {**super().get_config(), "mean": mean, "variance": variance}


def read_statistics(
    normalize: Any,
    task: Any,
    size: int | None,
    check: Callable[[Any], None],
) -> Statistics | None:
    """Reads the `normalize` argument of a model.

    A number that does not vary is centered and not scaled: divided by its
    standard deviation of about 0, a difference of 1 would become millions.

    Args:
        normalize: tokens, a pair, `False`, or `None` for what the task says.
        task: a `keras_fpt.tasks.Task`, or `None`.
        size: int, the numbers in a token, or `None` where tokens are ids.
        check: callable that refuses tokens that do not fit the model.

    Raises:
        ValueError: if there are no such numbers, or they are not finite.
    """
    if normalize is None:
        normalize = getattr(task, "normalization", None)
    if normalize is None or normalize is False:
        return normalize
    if size is None:
        raise ValueError(
            "Tokens that are ids have no mean and variance: expected "
            "`normalize=None` or `False`, or `inputs=(num_tokens, token_dim)`. "
            f"Received: normalize={_kind(normalize)}"
        )
    if isinstance(normalize, (list, tuple)):
        mean, variance = _pair(normalize, size)
    else:
        mean, variance = _moments(*_tokens(normalize, check))
    with np.errstate(over="ignore"):
        mean, variance = mean.astype("float32"), variance.astype("float32")
    good = np.isfinite(mean) & np.isfinite(variance) & (variance >= 0)
    if not good.all():
        bad = int(good.argmin())
        raise ValueError(
            "`normalize` needs finite numbers in float32, and a variance of "
            f"at least 0. Received {_kind(normalize)}, in which number {bad} "
            f"has mean {mean[bad]} and variance {variance[bad]}"
        )
    # Beside its mean, float32 cannot tell a smaller deviation from 0.
    info = np.finfo("float32")
    least = np.square(info.eps * mean.astype("float64"))
    variance[variance <= np.maximum(least, info.tiny)] = 1
    return tuple(mean.tolist()), tuple(variance.tolist())


def _pair(pair: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    if len(pair) != 2:
        raise ValueError(f"{_FORMS}. Received: {_kind(pair)}")
    try:
        mean, variance = (np.array(one, "float64") for one in pair)
    except (TypeError, ValueError):
        raise ValueError(
            f"{_FORMS}. Received a pair that is no two arrays of numbers: "
            f"{', '.join(_kind(one) for one in pair)}"
        ) from None
    if not mean.shape == variance.shape == (size,):
        raise ValueError(
            f"{_FORMS}. Expected a mean and a variance of shape ({size},). "
            f"Received shapes {mean.shape} and {variance.shape}"
        )
    return mean, variance


def _tokens(x: Any, check: Callable[[Any], None]) -> tuple[Any, Any]:
    """Tokens and mask of what `normalize` was given, as NumPy arrays."""
    parts = dict(x) if isinstance(x, Mapping) else {"tokens": x}
    if not all(hasattr(part, "__array__") for part in parts.values()):
        raise ValueError(f"{_FORMS}. Received: normalize={_kind(x)}")
    parts = {
        name: ops.convert_to_numpy(part) if ops.is_tensor(part) else part
        for name, part in parts.items()
    }
    parts = {name: np.asarray(part) for name, part in parts.items()}
    try:
        check(parts if isinstance(x, Mapping) else parts["tokens"])
    except ValueError as error:
        raise ValueError(f"`normalize` does not fit: {error}") from None
    tokens, mask = parts["tokens"], parts.get("padding_mask")
    empty = not tokens.size or (mask is not None and not mask.any())
    if tokens.dtype.kind not in "biuf" or empty:
        raise ValueError(
            f"{_FORMS}. Received tokens of dtype {tokens.dtype} and shape "
            f"{tokens.shape}, {'none of them real' if empty else 'no numbers'}"
        )
    return tokens, mask


def real_tokens(tokens: np.ndarray, mask: Any) -> np.ndarray:
    """Tokens without padding, of shape `(tokens, size of a token)`."""
    flat = tokens.reshape(-1, tokens.shape[-1])
    return flat if mask is None else flat[np.asarray(mask).reshape(-1) != 0]


def _moments(tokens: np.ndarray, mask: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance over all axes but the last, computed in float64."""
    rows = max(1, _ROWS * tokens.shape[-1] * len(tokens) // tokens.size)

    def parts() -> Iterator[np.ndarray]:
        for start in range(0, len(tokens), rows):
            part = slice(start, start + rows)
            own = None if mask is None else mask[part]
            yield real_tokens(tokens[part], own).astype("float64")

    # inf - inf is refused later.
    with np.errstate(invalid="ignore", over="ignore"):
        count = sum(len(part) for part in parts())
        mean = sum(part.sum(0) for part in parts()) / count
        squares = (np.square(part - mean).sum(0) for part in parts())
        return mean, sum(squares) / count


def _kind(value: Any) -> str:
    """What an argument is, in a few words."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"an array of shape {tuple(shape)}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, Mapping):
        return f"a dict of {sorted(map(str, value))}"
    return repr(value)[:60]
