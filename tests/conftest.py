"""Settings and small models that the tests share."""

import atexit
import collections
import gc
import importlib.util
import os
import re
import shutil
import tempfile


def own_folder(prefix):
    """A folder for this run alone, which is removed at its end."""
    folder = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


SETTINGS = {
    # A process for each core: more threads would wait for one another.
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "MPLBACKEND": "agg",
    # Small models compile for longer than they compute.
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    # What one process of a run has compiled, the others read.
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)
# Keras writes its settings to its home on import, and this library keeps hashes
# of presets: not in the user's folders.
for name in ("KERAS_HOME", "JAX_COMPILATION_CACHE_DIR", "KERAS_FPT_CACHE"):
    if name not in os.environ:
        os.environ[name] = own_folder("keras-fpt-tests-")

import numpy as np
import pytest

# What fails in a helper is shown as in a test.
pytest.register_assert_rewrite("helpers")

# Keras and what imports it are imported where they are first used: the process
# that hands out the tests does without, and starts the others sooner.


def pytest_addoption(parser):
    parser.addoption("--run-network", action="store_true")


def pytest_collectstart():
    """Imports torch first: where TensorFlow is there before, it can crash."""
    if importlib.util.find_spec("torch"):
        import torch  # noqa: F401


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        # What tests of a class share is made in one process.
        if item.cls is not None:
            group = f"{item.path.stem}.{item.cls.__name__}"
            item.add_marker(pytest.mark.xdist_group(group))
    if config.getoption("--run-network"):
        return
    skip = pytest.mark.skip(reason="downloads from a hub: --run-network")
    for item in items:
        if "network" in item.keywords:
            item.add_marker(skip)


def pytest_runtest_setup():
    """Leaves what is alive by now out of every later garbage collection.

    Keras collects for each variable of a layer that it deletes, and walked a
    million objects of its imports, and of what JAX has traced, each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def eager(request):
    """TensorFlow runs step by step, where the graph is not what is tested.

    A tiny model is built into a graph for seconds and computed in none. JAX
    stays compiled: it would compile every operation by itself.
    """
    import keras

    compiled = request.node.get_closest_marker("compiled")
    if keras.backend.backend() != "tensorflow" or compiled:
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(autouse=True)
def seed():
    import keras

    keras.config.disable_traceback_filtering()
    keras.utils.set_random_seed(0)


@pytest.fixture
def shared():
    """The folder of data beside the checkout, which a user does not have."""
    from helpers.processes import ROOT

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


@pytest.fixture
def backbone():
    from helpers.backbones import make_backbone

    return make_backbone()


@pytest.fixture(scope="session")
def tiny_preset(tmp_path_factory):
    """A trunk of two blocks in a folder: the embedded one compiles long."""
    from helpers.backbones import make_backbone

    folder = tmp_path_factory.mktemp("tiny") / "preset"
    backbone = make_backbone(max_sequence_length=1024)
    for weight in backbone.weights:
        # Attention that tells tokens apart: a wrong token is a wrong number.
        if re.search("attention/(query|key)/kernel", weight.path):
            weight.assign(5 * weight)
    backbone.save_to_preset(str(folder))
    return str(folder)


@pytest.fixture
def small_run(tiny_preset):
    """An experiment of 30 steps on a random trunk of two blocks."""
    from keras_fpt.experiments.experiment import Experiment
    from keras_fpt.experiments.experiment import options

    return Experiment(
        task="bit_xor",
        model="fpt",
        steps=30,
        evaluate_every=10,
        learning_rate=1e-2,
        scale="cpu",
        model_options=options(preset=tiny_preset, initialization="random"),
        batch_size=8,
        num_validation=64,
    )


def pytest_terminal_summary(terminalreporter):
    """The files that take longest, so that a slow one is seen."""
    seconds = collections.Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "nodeid"):
                seconds[report.nodeid.split("::")[0]] += report.duration
    terminalreporter.section("slowest files")
    for name, total in seconds.most_common(12):
        terminalreporter.line(f"{total:7.1f}s {name}")
    terminalreporter.line(f"{seconds.total():7.1f}s in all files")
