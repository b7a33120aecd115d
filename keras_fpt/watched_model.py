"""A Keras model that checks its input data."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import keras

from keras_fpt.data_watch import DataWatch
from keras_fpt.data_watch import check_answers
from keras_fpt.data_watch import check_class_weight
from keras_fpt.data_watch import check_end
from keras_fpt.data_watch import is_near
from keras_fpt.data_watch import on_host
from keras_fpt.jax_state import values_kept
from keras_fpt.layers import Interface
from keras_fpt.layers.number_check import describe_if_far
from keras_fpt.layers.number_check import some_tokens
from keras_fpt.tensorflow_data import as_tensorflow_reads


class WatchedModel(keras.Model):
    """Refuses data that no model reads, with the same words on any backend.

    Attributes:
        interface: `Interface`. What goes in and what comes out.
    """

    interface: Interface
    _is_watched = False  # whether data are checked as they come in
    _numbers_seen = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if args and not self._is_watched:
            tokens = keras.tree.map_structure(
                lambda x: on_host(x) if is_near(x) else x, args[0]
            )
            self.check_tokens(tokens)
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
        steps = "steps_per_epoch", "validation_steps"
        check_end(x, kwargs.get(steps[0]), steps[0], "fit")
        check_class_weight(kwargs.get("class_weight"), self.interface.outputs)
        self.warn_of_numbers(x)
        with self._watch(answers=True) as watch:
            if isinstance(validation_data, (list, tuple)):
                check_end(validation_data[0], None, steps[1], "fit")
                watch.batch(*validation_data[:2])
            else:
                check_end(
                    validation_data, kwargs.get(steps[1]), steps[1], "fit"
                )
                validation_data = watch.data(validation_data)
            return super().fit(
                self._of_any_length(watch.data(x, y)),
                y,
                batch_size,
                epochs,
                verbose,
                callbacks,
                validation_split,
                self._of_any_length(validation_data),
                **kwargs,
            )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        others = (batch_size, verbose, sample_weight, steps, *args)
        if self._is_watched:  # by the `fit` that validates
            return super().evaluate(x, y, *others, **kwargs)
        check_end(x, steps, "steps", "evaluate")
        with self._watch(answers=True) as watch:
            data = self._of_any_length(watch.data(x, y))
            return super().evaluate(data, y, *others, **kwargs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        check_end(x, steps, "steps", "predict")
        with self._watch() as watch:
            data = self._of_any_length(watch.data(x))
            return super().predict(
                data, batch_size, verbose, steps, *args, **kwargs
            )

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        check_class_weight(class_weight, self.interface.outputs)
        with self._watch(answers=True) as watch:
            watch.batch(x, y)
            return super().train_on_batch(
                x, y, sample_weight, class_weight, **kwargs
            )

    def test_on_batch(
        self, x: Any, y: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        with self._watch(answers=True) as watch:
            watch.batch(x, y)
            return super().test_on_batch(x, y, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        with self._watch() as watch:
            watch.batch(x)
            return super().predict_on_batch(x)

    def check_tokens(self, x: Any) -> None:
        """Refuses arrays that are no tokens of this model."""
        self.interface.check(x)

    def check_batch(self, x: Any, y: Any = None) -> None:
        """Refuses arrays that are no batch of this model.

        Args:
            x: as of `fit`, in arrays.
            y: array or `None`. The answers. Defaults to `None`.
        """
        self.check_tokens(x)
        tokens = x["tokens"] if isinstance(x, dict) else x
        if getattr(tokens, "shape", (1,))[0] == 0:
            raise ValueError(
                "Expected one example at least. Received a batch of shape "
                f"{tuple(tokens.shape)}: leave it out"
            )
        if y is not None:
            check_answers(
                y, getattr(self, "loss", None), self.interface.outputs
            )

    def warn_of_numbers(self, x: Any) -> None:
        """Warns once, before training, of tokens far from 0 and 1."""
        tokens = None if self._numbers_seen else some_tokens(x)
        if tokens is not None:
            self._numbers_seen = True
            warning = describe_if_far(tokens)
            if warning:
                warnings.warn(warning, stacklevel=3)

    @contextlib.contextmanager
    def _watch(self, answers: bool = False) -> Iterator[DataWatch]:
        """Checks all data that come in meanwhile, once."""
        needed = answers and getattr(self, "loss", None) is not None
        self._is_watched = True
        try:
            with (
                values_kept(self),
                DataWatch(self.check_batch, needed) as watch,
            ):
                yield watch
        finally:
            self._is_watched = False

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
