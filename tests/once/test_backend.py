"""The backend: refused where it does not train."""

import pytest
from helpers.processes import run_python

from keras_fpt.backend import check_backend

UNKNOWN_BACKEND = """
try:
    import keras_fpt
except ValueError as error:
    print(error)
"""


def check_message(message, name):
    assert repr(name) in message
    assert "tensorflow, jax, torch" in message
    assert "\n" not in message


def test_unknown_backend_is_refused_on_import():
    """Before Keras, which would say less."""
    printed = run_python(UNKNOWN_BACKEND, backend="jacks")
    check_message(printed.strip(), "jacks")


@pytest.mark.parametrize("name", ["numpy", "TORCH"])
def test_backends_that_do_not_train(name, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", name)
    with pytest.raises(ValueError) as error:
        check_backend()
    check_message(str(error.value), name)


def test_a_backend_from_the_settings_of_keras(monkeypatch):
    """Where the environment names none, Keras' own choice counts."""
    monkeypatch.delenv("KERAS_BACKEND")
    check_backend()
