"""What a user's machine sees: the import, and no TensorFlow."""

import pytest
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
