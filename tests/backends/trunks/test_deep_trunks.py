"""Deep trunks on bits: no gradient explodes, no value becomes NaN.

Two blocks do not show it: each norm multiplies the gradient of a token of
zeros by up to 1,000.
"""

import numpy as np
import pytest
from helpers.arrays import values
from helpers.backbones import FAMILIES
from helpers.backbones import make_backbone_of
from helpers.marks import BACKEND
from helpers.marks import each

import keras_fpt
from keras_fpt import tasks

FPT = keras_fpt.FrozenPretrainedTransformer
BLOCKS = 24
STEPS = 10
# Both of 10 tokens of one bit, and of 5 answers: one model takes them.
XOR = tasks.BitXor()
MEMORY = tasks.BitMemory(num_bits=5, num_patterns=1, patch_size=1)
# Llama first, which runs on JAX, too; Llama 3's trunk is Llama's.
NAMES = ("llama", *sorted(set(FAMILIES) - {"llama", "llama3"}))


def make_deep(family):
    """Kernels of the size of trained ones at this width; biases are zeros."""
    sizes = {"num_layers": BLOCKS, "hidden_dim": 16}
    backbone = make_backbone_of(family, fresh=True, **sizes)
    rng = np.random.default_rng(0)
    for weight in backbone.weights:
        if weight.path.endswith(("kernel", "relative_attention_bias")):
            weight.assign(0.15 * rng.standard_normal(weight.shape))
        elif weight.path.endswith("embeddings"):
            weight.assign(0.1 * rng.standard_normal(weight.shape))
    return backbone


def batches(data):
    """Half of a batch is Bit XOR, half Bit Memory; or all tokens are zeros."""
    streams = [task.train_data(4, seed=0) for task in (XOR, MEMORY)]
    for step in range(STEPS):
        pairs = (stream[step] for stream in streams)
        x, y = (np.concatenate(halves) for halves in zip(*pairs, strict=True))
        yield (0 * x if data == "zeros" else x), y


def check_gradients(model):
    """None is infinite, and none leaves the others nothing when clipped."""
    norms = {
        v.path: float(v.value.grad.norm()) for v in model.trainable_variables
    }
    assert np.isfinite(list(norms.values())).all(), norms
    largest = max(norms, key=norms.__getitem__)
    others = [norm for path, norm in norms.items() if path != largest]
    assert norms[largest] < 1000 * np.median(others), (largest, norms)


@pytest.mark.skipif(
    BACKEND == "tensorflow", reason="24 blocks: PyTorch and JAX show it"
)
@pytest.mark.parametrize("family", each(*NAMES))
def test_ten_steps(family):
    assert (XOR.inputs, XOR.outputs) == (MEMORY.inputs, MEMORY.outputs)
    model = FPT(make_deep(family), XOR, seed=0)
    start = model.get_weights()
    # JAX and TensorFlow do not show the gradients: a NaN is one in the values.
    for data in ("zeros", "bits") if BACKEND == "torch" else ("zeros",):
        model.set_weights(start)
        model.compile(**XOR.compile_args(1e-3))
        for x, y in batches(data):
            model.train_on_batch(x, y)
            if BACKEND == "torch":
                check_gradients(model)
        for path, value in values(model.trainable_variables).items():
            assert np.isfinite(value).all(), (data, path)
