"""The base class of tasks: inputs, outputs, batches of examples.

Longer than other files, as half of it documents what an own task may say.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

import keras
import numpy as np

from keras_fpt.optimizers import Adam
from keras_fpt.sizes import whole_number
from keras_fpt.tasks.batches import Batches
from keras_fpt.tasks.batches import EndlessDataset
from keras_fpt.tasks.batches import Stream
from keras_fpt.tasks.task_checks import check_examples

Examples = tuple[Any, Any]


class Task:
    """Sequences and their answers, drawn without end.

    A task of your own is a subclass that sets `inputs` and `outputs` and
    draws examples in `sample`. The rest follows: an endless training stream,
    and validation and test examples that are the same for every run.

    Attributes:
        inputs: `(num_tokens, token_dim)`, or `{"num_tokens": ...,
            "vocabulary_size": ...}` for tokens that are ids.
        outputs: `num_classes`, `(k, num_classes)` for an answer at each of
            the last k tokens, or `(k, values, num_classes)`.
        readout: string. `"last"`, `"last_real"`, `"mean"` or `"flatten"`.
            Defaults to `"last_real"` with a padding mask, else to `"last"`.
        padding_mask: bool. Whether examples carry a padding mask. Defaults to
            `False`.
        variant: string. The form of the task. Defaults to `"paper"`.
        variants: mapping from the forms that it has, the default first, to
            what each is. Defaults to `{}`.
        class_names: tuple of strings or `None`. Names of the classes, in
            order. Defaults to `None`: they are numbers.
        floor_accuracy: float or `None`. What the best rule reaches that
            ignores the sequence, or copies from it. Defaults to `None`.
        floor_reason: string. Which rule that is.
        name: string. In the hash key of an experiment. Defaults to the name
            of the class, in lower case with underscores.
        version: int. Increase when what the task gives changes; older records
            of experiments are then ignored. Defaults to `1`.
        metric: string. Name of the metric that is maximized. Defaults to
            `"accuracy"`.
        normalization: `(mean, variance)`, each of shape `(token_dim,)`, or
            `None`. Numbers that a model standardizes its tokens by. Defaults
            to `None`: it takes them as they are.
        fingerprint: string or `None`. Hash of the data, of a task whose name
            does not tell it. Defaults to `None`.
        learning_rate: float. The paper's. Defaults to `1e-3`, its rate for
            transformers.
        num_train_examples: int or `None`. Defaults to `None`: training
            examples are drawn without end.
        num_validation_examples: int. Defaults to `256`.
        num_test_examples: int. Defaults to `1024`.
        splits: mapping from `"train"`, `"validation"` and `"test"` to what
            the data calls them. A report of a number names its split.
        citation: string. Whose data or task it is.
        licence: string. On which terms its data may be used.

    Example:

    ```python
    class Longest(keras_fpt.tasks.Task):
        inputs, outputs = (12, 4), 12

        def sample(self, rng, batch_size):
            tokens = rng.normal(size=(batch_size, 12, 4)).astype("float32")
            return tokens, np.linalg.norm(tokens, axis=-1).argmax(-1)
    ```
    """

    inputs: Any
    outputs: Any
    readout: str = "last"
    padding_mask: bool = False
    variant: str = "paper"
    variants: Mapping[str, str] = {}
    class_names: tuple[str, ...] | None = None
    floor_accuracy: float | None = None
    floor_reason: str = ""
    version: int = 1
    metric: str = "accuracy"
    normalization: tuple[Any, Any] | None = None
    fingerprint: str | None = None
    learning_rate: float = 1e-3
    num_train_examples: int | None = None
    num_validation_examples: int = 256
    num_test_examples: int = 1024
    splits: Mapping[str, str] = {
        "train": "train",
        "validation": "validation",
        "test": "test",
    }
    citation: str = ""
    licence: str = ""

    name: str = "task"
    _arguments: dict[str, Any]

    def __init_subclass__(cls) -> None:
        own = [each for each in cls.__mro__ if each is not Task]
        if cls.padding_mask and not any("readout" in vars(e) for e in own):
            cls.readout = "last_real"  # the last token would be padding
        if "name" not in vars(cls):
            words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__)
            cls.name = words.lower()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls)
        # What it was made from is what its examples follow from.
        signature = inspect.signature(cls.__init__)
        given = dict(signature.bind_partial(self, *args, **kwargs).arguments)
        self._arguments = dict(list(given.items())[1:])
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                self._arguments |= self._arguments.pop(name, {})
        return self

    @property
    def options(self) -> dict[str, Any]:
        """Arguments that it was made from, in the hash key of an experiment.

        Where its files lie is left out.
        """
        return {
            name: str(value) if isinstance(value, Task) else value
            for name, value in self._arguments.items()
            if name not in ("cache_dir", "data_dir", "manual_dir")
        }

    def __str__(self) -> str:
        written = ", ".join(f"{k}={v!r}" for k, v in self.options.items())
        return f"{self.name}({written})"

    def with_split(self, seed: int) -> Task:
        """The same task with its data split by another seed.

        Its splits are given, so that it is this task.
        """
        return self

    def with_examples(self, num_examples: int) -> Task:
        """The same task with fewer training examples.

        Raises:
            ValueError: if it has no fixed set of them.
        """
        raise ValueError(
            f"{type(self).__name__} has no set of training examples to choose "
            "from: expected a `keras_fpt.tasks.ArrayTask`. Received: "
            f"num_examples={num_examples}"
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in ("inputs", "outputs"):
                forms = {"inputs": "(16, 3)", "outputs": "2"}
                raise AttributeError(
                    f"{type(self).__name__} does not say its {name}: write, "
                    f"for instance, `{name} = {forms[name]}` in the class"
                )
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}"
            )

    def sample(self, rng: np.random.Generator, batch_size: int) -> Examples:
        """Draws examples.

        Args:
            rng: `numpy.random.Generator`. The only source of chance.
            batch_size: int. How many.

        Returns:
            `(x, y)`: tokens, or a dict of `"tokens"` and `"padding_mask"`,
            and class ids of shape `(batch_size, *outputs[:-1])`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} draws no examples: write a method `def "
            "sample(self, rng, batch_size)` that returns (x, y)"
        )

    @property
    def has_classes(self) -> bool:
        """Whether answers are classes: `compile_args` is the library's."""
        return type(self).compile_args is Task.compile_args

    def checked(self, examples: Any, count: int, method: str) -> Examples:
        """Examples as they are; the first ones are checked.

        Args:
            examples: what `sample` or `tokens` made.
            count: int. How many were asked for.
            method: string. Who made them.
        """
        if not vars(self).get("_is_checked", False):
            check_examples(self, examples, count, method, self.has_classes)
            self._is_checked = True
        return examples

    def _draw(self, rng: np.random.Generator, batch_size: int) -> Examples:
        return self.checked(self.sample(rng, batch_size), batch_size, "sample")

    def check_variant(self, variant: str) -> None:
        """Refuses a variant that this task does not have."""
        if variant not in self.variants:
            raise ValueError(
                f"`variant` must be one of {tuple(self.variants)}. "
                f"Received: variant={variant!r}"
            )

    def train_data(
        self, batch_size: int, seed: int = 0, start: int = 0, **kwargs: Any
    ) -> EndlessDataset:
        """An endless stream of training batches.

        Batch `i` depends only on `seed` and `start + i`: it is the same
        on every backend, and in the same order with any number of workers;
        with more than one, Keras may drop the first. Every `fit` begins at
        `start`. Pass it `steps_per_epoch`, and `shuffle=False`, or Keras
        warns that it does not shuffle an endless stream.

        Args:
            batch_size: int. Examples a batch.
            seed: int. Another seed is another stream. Defaults to `0`.
            start: int. Batches to skip: the number that a stopped run has
                seen goes on where it stopped. Defaults to `0`.
            **kwargs: `workers` and `max_queue_size` of
                `keras.utils.PyDataset`. On TensorFlow, batches with a padding
                mask come from one worker, whatever is asked for.
        """
        return Stream(self._draw, batch_size, seed, start, **kwargs)

    def validation_data(self, batch_size: int = 256) -> Batches:
        """The validation examples, the same for every run.

        Sequences of several lengths come in batches of like length, and so in
        another order than `validation_examples` has; `order.rows(i)` of the
        result says which rows batch `i` holds.
        """
        return Batches(self.validation_examples(), batch_size)

    def test_data(self, batch_size: int = 256) -> Batches:
        """The test examples, the same for every run.

        In batches as those of `validation_data`.
        """
        return Batches(self.test_examples(), batch_size)

    def train_examples(self) -> Examples:
        """All training examples as arrays, of a task that has a fixed set.

        Raises:
            ValueError: if training examples are drawn or augmented again each
                time.
        """
        raise ValueError(
            f"{type(self).__name__} draws training examples without end: "
            "expected a task on a fixed set of them"
        )

    def validation_examples(self) -> Examples:
        """All validation examples as arrays."""
        rng = np.random.default_rng(_VALIDATION_SEED)
        name, count = "num_validation_examples", self.num_validation_examples
        return self._draw(rng, whole_number(name, count))

    def test_examples(self) -> Examples:
        """All test examples as arrays."""
        rng = np.random.default_rng(_TEST_SEED)
        name, count = "num_test_examples", self.num_test_examples
        return self._draw(rng, whole_number(name, count))

    def compile_args(self, learning_rate: Any = None) -> dict[str, Any]:
        """Arguments of `compile` as the original trains.

        The optimizer is `keras_fpt.optimizers.Adam`, which takes the steps of
        `torch.optim.Adam`, with the gradients' global norm clipped to 1.

        Args:
            learning_rate: float, schedule or `None`. Defaults to `None`, the
                paper's for this task.

        Returns:
            Dict of `"optimizer"`, `"loss"` and `"metrics"`.
        """
        return {
            # `torch.optim.Adam` and `clip_grad_norm_(1.0)`.
            "optimizer": Adam(
                self.learning_rate if learning_rate is None else learning_rate,
                global_clipnorm=1.0,
            ),
            "loss": keras.losses.SparseCategoricalCrossentropy(
                from_logits=True
            ),
            "metrics": [
                keras.metrics.SparseCategoricalAccuracy(name="accuracy")
            ],
        }

    def describe(
        self, print_fn: Callable[[str], Any] = print
    ) -> dict[str, Any]:
        """Prints what the task is, and returns it as data.

        Args:
            print_fn: callable that takes a string. Defaults to `print`.

        Returns:
            Dict of the printed facts.
        """
        what = self.variants.get(self.variant)
        counts = {
            "train": self.num_train_examples or "drawn without end",
            "validation": self.num_validation_examples,
            "test": self.num_test_examples,
        }
        facts = {
            "task": type(self).__name__,
            "variant": f"{self.variant}: {what}" if what else self.variant,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "readout": self.readout,
            "padding mask": self.padding_mask,
            "classes": self.class_names,
            **{f"{s} ({self.splits[s]})": n for s, n in counts.items()},
            "floor accuracy": self.floor_accuracy,
            "floor reason": self.floor_reason,
            "learning rate": self.learning_rate,
            "citation": self.citation,
            "licence": self.licence,
        }
        for name, fact in facts.items():
            print_fn(f"{name + ':':<25}{_written(fact)}")
        return facts


def _written(fact: Any) -> str:
    """A fact on one line, long lists by their ends."""
    if fact in (None, ""):
        return "-"
    if isinstance(fact, tuple) and len(fact) > 12:
        return f"{len(fact)}: {fact[0]}, {fact[1]}, ... {fact[-1]}"
    if isinstance(fact, tuple):
        return ", ".join(str(item) for item in fact)
    return f"{fact:,}" if type(fact) is int else str(fact)


# The second word of a training stream is 0: no seed of one meets these.
_VALIDATION_SEED = (0, 1)
_TEST_SEED = (0, 2)
