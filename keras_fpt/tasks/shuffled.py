"""The shuffled-tokens control: a task whose tokens come in another order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fpt.sizes import whole_number
from keras_fpt.tasks.batches import Batches
from keras_fpt.tasks.batches import EndlessDataset
from keras_fpt.tasks.task import Examples
from keras_fpt.tasks.task import Task

_ORDERS = {
    "example": "the tokens of each example in an order of its own",
    "fixed": "the tokens of all examples in one other order",
}
# The second word of these seeds; 0 to 3 are streams, splits and their orders.
_TRAINING, _SPLIT, _FIXED = 4, 5, 6
_SPLIT_NUMBERS = {"validation": 1, "test": 2}


class ShuffledTokens(Task):
    """A task with its tokens in another order: does a model use order at all?

    A model that answers as well when each example is shuffled computes on a
    bag of tokens. One other order for all examples is the milder control: a
    model with trained positions loses nothing in principle, but can use no
    more what its trunk knows of neighbours.

    Inputs, outputs, classes, counts, splits, floors and `compile_args` are
    those of the task; a floor that copies from a known place may be out of
    reach. Order is all that changes: answers and padding stay as they are.

    Training shuffles an example again each time that it occurs; validation
    and test examples have one order each, the same in every run. It follows
    from `seed`, and in training from the stream's seed and the position of
    the batch, alone.

    Args:
        task: `keras_fpt.tasks.Task`. Whose examples are shuffled. Those with
            a padding mask keep padding where it is: tokens change places
            among the real ones.
        order: string. `"example"` draws an order for each example. `"fixed"`
            is one permutation of `num_tokens` places; a shorter example takes
            from it the places that it has, in the same order. Defaults to
            `"example"`.
        seed: int. Another seed is another order; below 2**32. Defaults to
            `0`.

    Raises:
        ValueError: if `task` is no task, or one of whole images, or there is
            no such order.

    Example:

    ```python
    task = keras_fpt.tasks.ShuffledTokens(keras_fpt.tasks.get("bit_xor"))
    x, y = task.train_data(batch_size=4)[0]  # (4, 10, 1), (4, 5)
    ```

    Reference:
        [Tan et al., 2024](https://arxiv.org/abs/2406.16964)
    """

    def __init__(
        self, task: Task, order: str = "example", seed: int = 0
    ) -> None:
        self.task = task
        self.num_tokens = _num_tokens(task)
        if order not in _ORDERS:
            raise ValueError(
                f"`order` must be one of {tuple(_ORDERS)}. "
                f"Received: order={order!r}"
            )
        self.order = order
        self.seed = whole_number("seed", seed, least=0, below=2**32)
        for name in Task.__annotations__:
            setattr(self, name, getattr(task, name))
        what = f"{type(task).__name__}, {_ORDERS[order]}"
        form = task.variants.get(task.variant)
        self.variants = {task.variant: f"{what}; {form}" if form else what}
        permutation = self._rng(_FIXED).permutation(self.num_tokens)
        # Which place of the permutation a token takes: (num_tokens,)
        self._fixed_places = np.argsort(permutation)

    def train_data(
        self, batch_size: int, seed: int = 0, start: int = 0, **kwargs: Any
    ) -> EndlessDataset:
        stream = self.task.train_data(batch_size, seed, start, **kwargs)
        return _ShuffledStream(self, stream, **kwargs)

    def validation_data(self, batch_size: int = 256) -> Batches:
        return self._fixed("validation", self.task.validation_data(batch_size))

    def test_data(self, batch_size: int = 256) -> Batches:
        return self._fixed("test", self.task.test_data(batch_size))

    def train_examples(self) -> Examples:
        if self.order == "example":
            return super().train_examples()  # refused: an order is not kept
        x, y = self.task.train_examples()
        return self._shuffled(x, self._rng(_FIXED)), y

    def validation_examples(self) -> Examples:
        examples = self.validation_data()
        return examples.x, examples.y

    def test_examples(self) -> Examples:
        examples = self.test_data()
        return examples.x, examples.y

    def compile_args(self, learning_rate: Any = None) -> dict[str, Any]:
        return self.task.compile_args(learning_rate)

    def shuffled_batch(self, x: Any, seed: int, position: int) -> Any:
        """The training examples at a position of a stream, shuffled."""
        return self._shuffled(x, self._rng(_TRAINING, seed, position))

    def _fixed(self, split: str, data: Batches) -> Batches:
        rng = self._rng(_SPLIT, _SPLIT_NUMBERS[split])
        # A batch is cut to the longest of its examples: none may be longer
        # for having been shuffled.
        x = self._shuffled(data.x, rng, data.lengths)
        return Batches((x, data.y), data.batch_size, data.lengths)

    def _shuffled(
        self,
        x: Any,
        rng: np.random.Generator,
        lengths: np.ndarray | None = None,
    ) -> Any:
        """Permutes the real tokens of each example among their places."""
        if not isinstance(x, Mapping):
            x = {"tokens": x}
            return self._shuffled(x, rng, lengths)["tokens"]
        tokens = np.asarray(x["tokens"])
        size, length = tokens.shape[:2]
        real = np.asarray(x.get("padding_mask", np.ones((size, length)))) != 0
        if lengths is not None:
            real = real & (np.arange(length) < lengths[:, None])
        if self.order == "example":
            keys = rng.random((size, length))
        else:
            keys = np.broadcast_to(self._fixed_places[:length], real.shape)
        # Real tokens first: once as they stand, once by their keys.
        places = np.argsort(~real, axis=1, kind="stable")
        sources = np.argsort(np.where(real, keys, np.inf), 1, kind="stable")
        order = np.empty_like(places)
        np.put_along_axis(order, places, sources, axis=1)  # (batch, length)
        return {**x, "tokens": tokens[np.arange(size)[:, None], order]}

    def _rng(self, *numbers: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, *numbers))


class _ShuffledStream(EndlessDataset):
    """The batches of a stream with their tokens shuffled."""

    def __init__(
        self, task: ShuffledTokens, stream: EndlessDataset, **kwargs: Any
    ) -> None:
        super().__init__(stream.batch_size, stream.seed, stream.start, **kwargs)
        self.task = task
        self.stream = stream

    def batch(self, position: int, rng: np.random.Generator) -> tuple[Any, Any]:
        x, y = self.stream.batch(position, rng)
        return self.task.shuffled_batch(x, self.seed, position), y


def _num_tokens(task: Task) -> int:
    if not isinstance(task, Task):
        raise ValueError(
            "`task` is an object of a `keras_fpt.tasks.Task`: make it, for "
            'instance with `keras_fpt.tasks.get("bit_xor")`. '
            f"Received: task={task!r}"
        )
    if isinstance(task.inputs, Mapping):
        return task.inputs["num_tokens"]
    if len(task.inputs) != 2:
        raise ValueError(
            "Tokens are shuffled, and a whole image has none: make the task "
            "with `whole_images=False`. Received: "
            f"{type(task).__name__} with inputs={task.inputs}"
        )
    return task.inputs[0]
