"""Checks the loss and the metric of a user, and names them in hash keys."""

from __future__ import annotations

import json
from typing import Any

import keras

# Smaller is better: the worst weights of a run would be chosen.
_ERRORS = (
    "mean_squared_error",
    "mean_absolute_error",
    "root_mean_squared_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "log_cosh",
    "logcosh",
    "kl_divergence",
    "poisson",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "hinge",
    "squared_hinge",
    "categorical_hinge",
    "false_positives",
    "false_negatives",
    "mse",
    "mae",
    "mape",
    "msle",
)


def check_loss(loss: Any) -> None:
    """Refuses what Keras cannot train on.

    Args:
        loss: string, function, `keras.losses.Loss` or `None`.
    """
    if loss is None or isinstance(loss, keras.losses.Loss):
        return
    _check_kind("loss", loss)
    if isinstance(loss, str):
        try:
            keras.losses.get(loss)
        except ValueError:
            raise ValueError(
                f"Keras has no loss of that name. Received: loss={loss!r}"
            ) from None


def read_metric(metric: Any) -> Any:
    """The metric as a function or an object of Keras, which has one name.

    Args:
        metric: string, function, `keras.metrics.Metric` or `None`.

    Raises:
        ValueError: if there is no such metric, or smaller values of it are
            better.
    """
    if metric is None:
        return None
    if not isinstance(metric, keras.metrics.Metric):
        _check_kind("metric", metric)
    if isinstance(metric, str):
        try:
            found = keras.metrics.get(metric)
        except ValueError:
            raise ValueError(
                f"Keras has no metric of that name. Received: metric={metric!r}"
            ) from None
        metric = found() if isinstance(found, type) else found
    if score_name(metric) in _ERRORS:
        raise ValueError(
            "The weights with the largest `metric` are kept, and of an error "
            "smaller is better: expected a score, such as 'r2_score'. "
            f"Received: metric={score_name(metric)!r}"
        )
    if isinstance(metric, keras.metrics.Metric):
        own_metric(metric)  # a copy is made for each model: now, at first
    return metric


def own_metric(metric: Any) -> Any:
    """The metric of one model: it counts."""
    if not isinstance(metric, keras.metrics.Metric):
        return keras.metrics.MeanMetricWrapper(metric, name=score_name(metric))
    try:
        return type(metric).from_config(metric.get_config())
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(
            "Each model needs a `metric` of its own, made from its config: "
            f"add a `get_config` to {type(metric).__name__} that holds its "
            f"arguments. Received: {error}"
        ) from None


def score_name(value: Any) -> str | None:
    """The name of a loss or metric."""
    if value is None or isinstance(value, str):
        return value
    return getattr(value, "name", None) or getattr(value, "__name__", None)


def score_key(value: Any) -> str | None:
    """A loss or metric in a hash key: its name, and its settings."""
    name = score_name(value)
    if isinstance(value, (keras.losses.Loss, keras.metrics.Metric)):
        settings = dict(keras.saving.serialize_keras_object(value)["config"])
        # Keras leaves some out of the config, such as Huber's `delta`.
        settings |= vars(value).get("_fn_kwargs", {})
        return f"{name} {json.dumps(settings, sort_keys=True, default=str)}"
    return name


def _check_kind(name: str, value: Any) -> None:
    """Refuses what is neither a string nor a function with a name."""
    named = getattr(value, "__name__", "")
    is_function = callable(value) and not isinstance(value, type)
    if isinstance(value, str) or (is_function and named.isidentifier()):
        return
    hint = ""
    if isinstance(value, type):
        hint = f"; make it: `{named}()`"
    elif callable(value):
        hint = "; a function has a name by which records tell it: use `def`"
    raise ValueError(
        f"`{name}` is a string, a function, or a {name} of Keras. Received: "
        f"{name}={value!r}{hint}"
    )
