"""Loss and metric of a user: known, named, and larger where better."""

import keras
import pytest

from keras_fpt.tasks.array_scores import check_loss
from keras_fpt.tasks.array_scores import own_metric
from keras_fpt.tasks.array_scores import read_metric
from keras_fpt.tasks.array_scores import score_key
from keras_fpt.tasks.array_scores import score_name


def hits(y_true, y_pred):
    return keras.ops.ones((1,))


def test_a_metric_has_the_name_by_which_keras_gives_it():
    for given, name in (
        ("r2_score", "r2_score"),
        ("R2Score", "r2_score"),
        (hits, "hits"),
        (keras.metrics.TopKCategoricalAccuracy(2, name="top"), "top"),
    ):
        metric = read_metric(given)
        assert score_name(metric) == name
        assert own_metric(metric) is not own_metric(metric)
        assert own_metric(metric).name == name


def test_settings_are_in_the_key():
    losses = [keras.losses.Huber(delta) for delta in (0.1, 2.0)]
    assert score_key(losses[0]) != score_key(losses[1])
    assert score_key(losses[0]) == score_key(keras.losses.Huber(0.1))
    assert score_key("mse") == "mse" and score_key(None) is None
    assert score_key(hits) == "hits"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_loss("crossentropyy"), "loss='crossentropyy'"),
        (lambda: check_loss(3), "loss=3"),
        (lambda: check_loss(keras.losses.Huber), r"`Huber\(\)`"),
        (lambda: check_loss(lambda y, p: p), "use `def`"),
        (lambda: read_metric("acuracy"), "metric='acuracy'"),
        (lambda: read_metric(["r2_score"]), r"metric=\['r2_score'\]"),
        (lambda: read_metric("mae"), "smaller is better"),
        (
            lambda: read_metric(keras.losses.mean_squared_error),
            "smaller is better",
        ),
        (lambda: read_metric(keras.metrics.MeanSquaredError()), "smaller is"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_a_metric_that_cannot_be_made_again_is_refused_at_once():
    class Share(keras.metrics.Mean):
        def __init__(self, share):
            super().__init__(name="share")

    with pytest.raises(ValueError, match="get_config.*Share"):
        read_metric(Share(0.5))
