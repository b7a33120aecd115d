"""The backend: refused where it does not train."""

import pytest
from helpers.processes import run_python

UNKNOWN_BACKEND = """
try:
    import keras_fpt
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["jacks", "numpy"])
def test_unknown_backend_is_refused(name):
    printed = run_python(UNKNOWN_BACKEND, backend=name).strip()
    assert repr(name) in printed
    assert "tensorflow, jax, torch" in printed
    assert "\n" not in printed
