"""What a task is: what goes in, what comes out, and batches of examples."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_fpt.tasks.batches import Batches
from keras_fpt.tasks.batches import Stream

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
        readout: string. `"last"`, `"last_real"` or `"mean"`. Defaults to
            `"last"`.
        padding_mask: bool. Whether examples carry a padding mask. Defaults to
            `False`.
        floor_accuracy: float or `None`. What the best rule reaches that
            ignores the sequence, or copies from it. Defaults to `None`.
        variants: tuple of strings. The forms that `tasks.get` knows it in,
            the default first. Defaults to `("paper",)`.
        num_validation_examples: int. Defaults to `256`.
        num_test_examples: int. Defaults to `1024`.

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
    floor_accuracy: float | None = None
    variants: tuple[str, ...] = ("paper",)
    num_validation_examples: int = 256
    num_test_examples: int = 1024

    def sample(self, rng: np.random.Generator, batch_size: int) -> Examples:
        """Draws examples.

        Args:
            rng: `numpy.random.Generator`. The only source of chance.
            batch_size: int. How many.

        Returns:
            `(x, y)`: tokens, or a dict of `"tokens"` and `"padding_mask"`,
            and class ids of shape `(batch_size, *outputs[:-1])`.
        """
        raise NotImplementedError

    def check_variant(self, variant: str) -> None:
        """Refuses a variant that this task does not have."""
        if variant not in self.variants:
            raise ValueError(
                f"`variant` must be one of {self.variants}. "
                f"Received: variant={variant!r}"
            )

    def train_data(
        self, batch_size: int, seed: int = 0, start: int = 0, **kwargs: Any
    ) -> Stream:
        """An endless stream of training batches.

        Batch `i` follows from `seed` and `start + i` alone: it is the same
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
                `keras.utils.PyDataset`.
        """
        return Stream(self.sample, batch_size, seed, start, **kwargs)

    def validation_data(self, batch_size: int = 256) -> Batches:
        """The validation examples, the same for every run."""
        return Batches(self.validation_examples(), batch_size)

    def test_data(self, batch_size: int = 256) -> Batches:
        """The test examples, the same for every run."""
        return Batches(self.test_examples(), batch_size)

    def validation_examples(self) -> Examples:
        """All validation examples as arrays."""
        rng = np.random.default_rng(_VALIDATION_SEED)
        return self.sample(rng, self.num_validation_examples)

    def test_examples(self) -> Examples:
        """All test examples as arrays."""
        rng = np.random.default_rng(_TEST_SEED)
        return self.sample(rng, self.num_test_examples)

    def compile_args(self, learning_rate: float = 1e-3) -> dict[str, Any]:
        """Arguments of `compile` as the original trains.

        Args:
            learning_rate: float or schedule. Defaults to `1e-3`, the paper's
                for transformers.

        Returns:
            Dict of `"optimizer"`, `"loss"` and `"metrics"`.
        """
        return {
            # PyTorch's Adam and its clip_grad_norm_(1.0), in Keras' words.
            "optimizer": keras.optimizers.Adam(
                learning_rate, epsilon=1e-8, global_clipnorm=1.0
            ),
            "loss": keras.losses.SparseCategoricalCrossentropy(
                from_logits=True
            ),
            "metrics": [
                keras.metrics.SparseCategoricalAccuracy(name="accuracy")
            ],
        }


# The second word of a training stream is 0: no seed of one meets these.
_VALIDATION_SEED = (0, 1)
_TEST_SEED = (0, 2)
