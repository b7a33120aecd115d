"""Trains several models in one vectorized step (`jax.vmap`)."""

from __future__ import annotations

import contextlib
import functools
import random
import warnings
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fpt.data_watch import DataWatch
from keras_fpt.data_watch import check_end
from keras_fpt.frozen_model import FrozenModel
from keras_fpt.jax_state import values_kept
from keras_fpt.replica_data import ArrayBatches
from keras_fpt.replica_data import check_repeats
from keras_fpt.replica_data import data_sets
from keras_fpt.replica_data import first_batch
from keras_fpt.replica_data import is_endless
from keras_fpt.replica_data import together
from keras_fpt.replica_data import validation_sets
from keras_fpt.replica_model import ReplicaModel

History = list[dict[str, list[float]]]
Logs = list[dict[str, float]]


class Replicas:
    """Trains models that share their frozen values together.

    Seeds, learning rates and tasks' samples may differ. On JAX, frozen values
    that are equal in all are read once, others, such as those of trunks drawn
    from several seeds, for each. Each replica trains as it would by itself:
    from its own initial values, with its own optimizer, dropout and norm of its
    gradients. One whose loss is no longer a number does not touch the others.
    On TensorFlow and PyTorch they train one after the other.

    With `compile(steps_per_execution=K)`, blocks of K steps are one dispatch.

    Args:
        models: sequence of compiled `FrozenPretrainedTransformer`s, or of one
            baseline, of one structure: only values and learning rates
            differ. `model.sibling` makes them cheaply. They are the result,
            too: after `fit`, each is trained.

    Raises:
        ValueError: if their variables differ in path or shape, or they share
            trained ones.

    Example:

    ```python
    task = keras_fpt.tasks.get("bit_xor")
    first = keras_fpt.FrozenPretrainedTransformer.from_preset(
        "gpt2_tiny_en", task=task
    )
    models = [first, *(first.sibling(task) for _ in range(3))]
    for model, rate in zip(models, (1e-4, 3e-4, 1e-3, 3e-3)):
        model.compile(**task.compile_args(rate))
    replicas = keras_fpt.Replicas(models)
    histories = replicas.fit(task.train_data(16), steps_per_epoch=100)
    replicas.evaluate(task.validation_data())  # a dict of each
    models[2].save_trained("bit_xor.safetensors")
    ```
    """

    def __init__(self, models: Sequence[FrozenModel]) -> None:
        self.models = list(models)
        self._check()
        self._together: ReplicaModel | None = None
        if keras.backend.backend() != "jax" and len(self.models) > 1:
            _say_once()

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        callbacks: None = None,
    ) -> History:
        """Trains all replicas, on one data set or each on its own.

        Arguments mean what they mean in `keras.Model.fit`. A list as `x`, `y`,
        `sample_weight` or `validation_data` holds one for each replica; on
        JAX, their batches have equal shapes.

        Args:
            x: array, dict of arrays, data set, or a list of one for each
                replica.
            y: array, or a list of one for each replica. Defaults to `None`,
                for data sets.
            batch_size: int. Examples of a batch of arrays. Defaults to
                `None`, 32.
            epochs: int. Defaults to `1`.
            validation_data: tuple `(x, y)`, data set, or a list of one for
                each replica. Evaluated after each epoch. Defaults to `None`.
            shuffle: bool. Whether each epoch has its own order. Defaults to
                `True`.
            class_weight: dict from classes to floats. Defaults to `None`.
            sample_weight: array, or a list of one for each replica. Defaults
                to `None`.
            steps_per_epoch: int. Defaults to `None`, all batches; an endless
                data set needs it.
            validation_steps: int. Defaults to `None`, all batches.
            callbacks: refused: one callback cannot stop or change one replica
                of several.

        Returns:
            List of what `fit(...).history` is, for each replica.

        Raises:
            ValueError: if a list has another length than there are replicas,
                an endless data set comes without `steps_per_epoch`, or
                callbacks are passed.
        """
        if callbacks:
            raise ValueError(
                "Replicas take no callbacks, which act on one model. Call "
                "`fit` for a few epochs at a time and look at what it "
                f"returns. Received: callbacks={callbacks!r}"
            )
        own = any(isinstance(v, list) for v in (x, y, sample_weight))
        if own and class_weight is not None:
            raise ValueError(
                "`class_weight` goes with one data set for all replicas: pass "
                "`sample_weight`. Received: lists and "
                f"class_weight={class_weight!r}"
            )
        order = np.random.randint(2**31) if shuffle else None
        train = data_sets(self.models, (x, y, sample_weight), batch_size, order)
        for data in train:
            check_end(data, steps_per_epoch, "steps_per_epoch", "fit")
        validation = None
        if validation_data is not None:
            own |= isinstance(validation_data, list)
            validation = validation_sets(
                self.models, validation_data, batch_size
            )
            for data in validation:
                check_end(data, validation_steps, "validation_steps", "fit")
        self.models[0].warn_of_numbers(
            train[0] if y is None else x[0] if isinstance(x, list) else x
        )
        arguments = {
            "epochs": epochs,
            "class_weight": class_weight,
            # Arrays have an order of their own by now; what never ends, too.
            "shuffle": shuffle and y is None and not is_endless(train[0]),
            "steps_per_epoch": steps_per_epoch,
            "validation_steps": validation_steps,
            "verbose": 0,
        }
        if keras.backend.backend() != "jax":
            return self._fit_in_turn(train, validation, arguments)
        for model in self.models:
            model.make_train_function()  # which checks what it trains
        with self._watch() as watch:
            if validation is not None:
                validation = [watch.data(each) for each in validation]
                arguments["validation_data"] = together(validation, own)
            model, data = self._model_for([watch.data(d) for d in train], own)
            history = model.fit(data, **arguments).history
        model.write_back()
        return [
            {
                name: [float(np.ravel(each)[i]) for each in values]
                for name, values in history.items()
            }
            for i in range(len(self.models))
        ]

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        sample_weight: Any = None,
        steps: int | None = None,
    ) -> Logs:
        """Evaluates each replica; same as `evaluate(..., return_dict=True)`.

        Args:
            x: as of `fit`.
            y: as of `fit`.
            batch_size: as of `fit`.
            sample_weight: as of `fit`.
            steps: int or `None`. Defaults to `None`, all batches.
        """
        own = any(isinstance(v, list) for v in (x, y, sample_weight))
        sets = data_sets(self.models, (x, y, sample_weight), batch_size)
        for data in sets:
            check_end(data, steps, "steps", "evaluate")
        arguments = {"steps": steps, "verbose": 0, "return_dict": True}
        if keras.backend.backend() != "jax":
            check_repeats(sets)
            return [
                model.evaluate(data, **arguments)
                for model, data in zip(self.models, sets, strict=True)
            ]
        with self._watch() as watch:
            model, data = self._model_for([watch.data(d) for d in sets], own)
            logs = model.evaluate(data, **arguments)
        return [
            {name: float(np.ravel(each)[i]) for name, each in logs.items()}
            for i in range(len(self.models))
        ]

    @contextlib.contextmanager
    def _watch(self) -> Iterator[DataWatch]:
        """Checks all data that come in meanwhile, on JAX."""
        first = self.models[0]
        try:
            with (
                values_kept(first),
                DataWatch(first.check_batch, answers=True) as watch,
            ):
                yield watch
        except BaseException:
            # A step that failed may have its values.
            self._together = None
            raise

    def _model_for(self, sets: list[Any], own: bool) -> tuple[Any, Any]:
        """The model of all replicas, with their values, and its data set."""
        if self._together is None:
            batch, first = first_batch(sets[0])
            sets = sets if own else [first]
            self._together = ReplicaModel(self.models, batch)
        self._together.own_data = own
        self._together.read()
        return self._together, together(sets, own)

    def _fit_in_turn(
        self,
        train: list[Any],
        validation: list[Any] | None,
        arguments: dict[str, Any],
    ) -> History:
        check_repeats(train)
        # Keras draws the order of batches there: all replicas have the same.
        order = random.getstate()
        histories = []
        for i, model in enumerate(self.models):
            random.setstate(order)
            if isinstance(train[i], ArrayBatches):
                train[i].restart()
            history = model.fit(
                train[i],
                validation_data=None if validation is None else validation[i],
                **arguments,
            )
            histories.append(history.history)
        return histories

    def _check(self) -> None:
        if not self.models:
            raise ValueError("Expected at least one model. Received none")
        expected = _signature(self.models[0])
        seen: set[int] = set()
        for model in self.models:
            if getattr(model, "optimizer", None) is None:
                raise ValueError(
                    f"Expected compiled models. Received: {model.name!r}, "
                    "which is not"
                )
            own = _signature(model)
            if own != expected:
                raise ValueError(
                    "Replicas are of one structure and train the same "
                    "variables. Received: "
                    f"{sorted(set(own) ^ set(expected))[:1]} of one alone"
                )
            if seen & {id(v) for v in model.trainable_variables}:
                raise ValueError("Expected each model once")
            seen |= {id(v) for v in model.trainable_variables}


@functools.cache
def _say_once() -> None:
    warnings.warn(
        "Replicas train together on JAX. On this backend they train one after "
        "the other, to the same results",
        stacklevel=4,
    )


def _signature(model: Any) -> list[tuple[str, tuple[int, ...], bool]]:
    return [
        (variable.path, tuple(variable.shape), trained)
        for variables, trained in (
            (model.trainable_variables, True),
            (model.non_trainable_weights, False),
        )
        for variable in variables
    ]
