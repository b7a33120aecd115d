"""Settings and small models that the tests share."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Keras writes its settings to its home on import: not to the user's.
os.environ.setdefault("KERAS_HOME", tempfile.mkdtemp(prefix="keras-home-"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "agg")
if importlib.util.find_spec("torch"):
    # Where TensorFlow is loaded first, importing torch can crash.
    import torch  # noqa: F401

import keras
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
# The modules of the tables are scripts: they find each other by this.
sys.path.append(str(ROOT / "tables"))
# A tiny GPT-2: its sizes differ from one another, so that no two get mixed up.
TINY = {
    "vocabulary_size": 30,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "intermediate_dim": 24,
    "max_sequence_length": 32,
}


# Of what does not turn on the backend and takes long: where it is fastest.
once = pytest.mark.skipif(
    keras.backend.backend() != "torch"
    and importlib.util.find_spec("torch") is not None,
    reason="the same on every backend: runs on PyTorch alone",
)


def pytest_addoption(parser):
    parser.addoption("--run-network", action="store_true")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-network"):
        return
    skip = pytest.mark.skip(reason="downloads from a hub: --run-network")
    for item in items:
        if "network" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def seed():
    keras.config.disable_traceback_filtering()
    keras.utils.set_random_seed(0)


@pytest.fixture
def shared():
    """The folder of data beside the checkout, which a user does not have."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared, which is not here")
    return folder


@pytest.fixture(scope="session")
def made_up(tmp_path_factory):
    """A cache in which both data sets lie, with pictures of the test's own.

    Their sizes are the real ones: 60,000 and 50,000 training rows, each of
    which holds its own number in its first pixels.
    """
    folder = tmp_path_factory.mktemp("made_up")
    for name, rows, side, channels in (
        ("mnist", 60_000, 28, 1),
        ("cifar10", 50_000, 32, 3),
    ):
        arrays = {}
        for split, count in (("train", rows), ("test", 10_000)):
            # Rows are broadcast in memory; the file is small all the same.
            x = np.zeros((count, side, side, channels), "uint8")
            number = np.arange(count)
            for place in range(3):
                x[:, 0, place] = (number >> 8 * place & 255)[:, None]
            arrays[f"{split}_x"] = x
            arrays[f"{split}_y"] = (number % 10).astype("int32")
        np.savez_compressed(folder / f"{name}-tfds-3.npz", **arrays)
    return folder


def make_backbone(**sizes):
    """A tiny GPT-2 with random values, norms and biases too."""
    import keras_nlp

    arguments = {**TINY, "dropout": 0.0, **sizes}
    backbone = keras_nlp.models.GPT2Backbone(**arguments)
    rng = np.random.default_rng(0)
    for weight in backbone.weights:
        weight.assign(weight + 0.1 * rng.standard_normal(weight.shape))
    return backbone


@pytest.fixture
def backbone():
    return make_backbone()


@pytest.fixture(scope="session")
def tiny_preset(tmp_path_factory):
    """A trunk of two blocks in a folder: the embedded one compiles long."""
    folder = tmp_path_factory.mktemp("tiny") / "preset"
    backbone = make_backbone(max_sequence_length=1024)
    for weight in backbone.weights:
        # Attention that tells tokens apart: a wrong token is a wrong number.
        if re.search("attention/(query|key)/kernel", weight.path):
            weight.assign(5 * weight)
    backbone.save_to_preset(str(folder))
    return str(folder)


@pytest.fixture
def small_run(tiny_preset, monkeypatch):
    """An experiment of 30 steps, of the tables."""
    import models
    from experiment import Experiment
    from experiment import options

    monkeypatch.setitem(models.FOLDERS, "tiny", tiny_preset)
    return Experiment(
        task="bit_xor",
        model="fpt",
        steps=30,
        evaluate_every=10,
        learning_rate=1e-2,
        scale="cpu",
        model_options=options(preset="tiny", initialization="random"),
        batch_size=8,
        num_validation=64,
    )


def with_settings(code, **settings):
    """The code of an example with other values of its constants."""
    for name, value in settings.items():
        code, found = re.subn(
            rf"^{name} = .*$", f"{name} = {value!r}", code, flags=re.M
        )
        assert found == 1, name
    return code


def tokens(*shape):
    """Random tokens, the same each time."""
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def values(variables):
    """Copies: JAX on CPU may share memory with what NumPy is given."""
    numpy = keras.ops.convert_to_numpy
    return {v.path: np.array(numpy(v.value), copy=True) for v in variables}


def answers(model, x):
    """What a model computes, without compiling it first."""
    return keras.ops.convert_to_numpy(model(x, training=False))


def run_python(code, *arguments, backend=None, cwd=ROOT, **environment):
    """Runs code in a process of its own and returns what it prints."""
    environment = {**os.environ, **environment}
    if backend is not None:
        environment["KERAS_BACKEND"] = backend
    process = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        cwd=cwd,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


def other_backend():
    """A backend that this process does not run, installed here."""
    modules = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
    order = list(modules)
    here = order.index(keras.backend.backend())
    for name in order[here + 1 :] + order[:here]:
        if importlib.util.find_spec(modules[name]):
            return name
    pytest.skip("needs a second backend to be installed")
