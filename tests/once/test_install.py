"""What a user's machine sees: the import, no TensorFlow, the wheel."""

import shutil
import subprocess
import sys

import pytest
from helpers.processes import ROOT
from helpers.processes import run_python

# Nothing that is imported late may be there after `import keras_fpt`.
LIGHT = """
import sys
import keras
before = set(sys.modules)
import keras_fpt
late = ("keras_nlp", "keras_hub", "tensorflow", "tensorflow_datasets",
        "pandas", "safetensors", "torch", "jax", "matplotlib")
loaded = {name.split(".")[0] for name in set(sys.modules) - before}
print(sorted(loaded.intersection(late)))
"""


def test_import_is_light():
    assert run_python(LIGHT).strip() == "[]"


WITHOUT_TENSORFLOW = """
import sys
from importlib.machinery import PathFinder

class WithoutTensorFlow(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        first = name.split(".")[0]
        if first in ("tensorflow", "tensorflow_text", "tensorflow_datasets"):
            return None
        return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutTensorFlow
import keras, keras_fpt, numpy as np

task = keras_fpt.tasks.get("bit_xor")
model = keras_fpt.FrozenPretrainedTransformer.from_preset(
    "gpt2_tiny_en", task=task, num_layers=1
)
model.compile(**task.compile_args())
model.fit(task.train_data(8), steps_per_epoch=2, shuffle=False, verbose=0)
model.save(sys.argv[1] + "/model.keras")
loaded = keras.saving.load_model(sys.argv[1] + "/model.keras")
assert len(loaded.trainable_weights) == len(model.trainable_weights) < 20
model.save_trained(sys.argv[1] + "/trained.safetensors")
keras_fpt.FrozenPretrainedTransformer.from_trained(
    sys.argv[1] + "/trained.safetensors"
)
x = task.test_data(64)[0][0]
assert keras_fpt.attention_maps(model, x).shape == (64, 4, 10, 10)
assert "tensorflow" not in sys.modules
print("without TensorFlow")
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_works_with_tensorflow_absent(backend, tmp_path):
    pytest.importorskip(backend)
    printed = run_python(WITHOUT_TENSORFLOW, tmp_path, backend=backend)
    assert printed.strip().endswith("without TensorFlow")


FROM_THE_WHEEL = """
import pathlib, sys
import keras_fpt

site = pathlib.Path(sys.argv[1])
assert pathlib.Path(keras_fpt.__file__).is_relative_to(site)
assert (site / "keras_fpt" / "py.typed").is_file()
model = keras_fpt.FrozenPretrainedTransformer.from_preset(
    "gpt2_tiny_en", inputs=(16, 3), outputs=2
)
print(model.count_params())
"""


def test_wheel_of_a_clean_clone_loads_the_embedded_trunk(tmp_path):
    pytest.importorskip("build")
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("needs the git checkout, to clone it")

    def run(*command):
        process = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path
        )
        assert process.returncode == 0, process.stderr + process.stdout

    run("git", "clone", "--quiet", f"file://{ROOT}", "clone")
    # Without isolation: what it is built with is installed here already.
    build = ("build", "--wheel", "--no-isolation", "--outdir", "dist", "clone")
    run(sys.executable, "-m", *build)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert wheel.stat().st_size < 20e6
    install = ("install", "--quiet", "--no-deps", "--target", "site", wheel)
    run(sys.executable, "-m", "pip", *install)
    site = tmp_path / "site"
    printed = run_python(
        FROM_THE_WHEEL,
        site,
        cwd=tmp_path,
        PYTHONPATH=str(site),
    )
    assert int(printed.split()[-1]) > 6_000_000
