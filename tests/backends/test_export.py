"""Exported models compute what the model does, in batches of any size."""

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.backbones import make_backbone
from helpers.backbones import make_backbone_of
from helpers.marks import torch_only

import keras_fpt
from keras_fpt import baselines

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (7, 3), "outputs": 2}
BACKEND = keras.backend.backend()
# One for each kind of blocks; GPT-2's are in most models of this file.
FAMILIES = ("bert", "t5", "llama", "vit")
needs_saved_model = pytest.mark.skipif(
    BACKEND == "torch", reason="refused on this backend"
)
needs_onnx = pytest.mark.skipif(
    BACKEND == "jax", reason="refused on this backend"
)


def lstm():
    sizes = {"hidden_dim": 8, "num_layers": 1}
    return baselines.lstm(**SIZES, **sizes, readout="flatten")


def normalized():
    statistics = (np.array([1.0, -2.0, 0.0]), np.array([4.0, 0.01, 0.0]))
    parts = {"num_layers": [-1], "initialization": {"attention": "random"}}
    return FPT(
        make_backbone(),
        **SIZES,
        **parts,
        readout="flatten",
        normalize=statistics,
    )


def normalized_and_masked():
    return FPT(
        make_backbone(),
        **SIZES,
        num_layers=1,
        padding_mask=True,
        readout="mean",
        normalize=(np.full(3, 2.0), np.full(3, 9.0)),
    )


def masked():
    return FPT(
        make_backbone(),
        inputs={"num_tokens": 7, "vocabulary_size": 5},
        outputs=(2, 3),
        padding_mask=True,
        readout="last_real",
        num_layers=1,
    )


def batch_of(model, size):
    """Inputs of a model, another batch for another size."""
    rng = np.random.default_rng(size)
    vectors = rng.normal(size=(size, 7, 3)).astype("float32")
    if not model.interface.padding_mask:
        return vectors
    ids = rng.integers(0, 5, size=(size, 7)).astype("int32")
    lengths = rng.integers(2, 8, size=(size, 1))
    return {
        "padding_mask": np.arange(7) < lengths,
        "tokens": vectors if model.interface.tokens.token_dim else ids,
    }


def served(path, x):
    tf = pytest.importorskip("tensorflow")
    loaded = tf.saved_model.load(str(path))
    return loaded.serve(keras.tree.map_structure(tf.constant, x)).numpy()


def run_onnx(path, x):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path))
    names = [node.name for node in session.get_inputs()]
    x = x if isinstance(x, dict) else {names[0]: x}
    assert set(names) == set(x)
    return session.run(None, x)[0]


def check(model, path, compute):
    for size in (1, 5):
        x = batch_of(model, size)
        np.testing.assert_allclose(
            compute(path, x), answers(model, x), atol=1e-5
        )


@needs_saved_model
@pytest.mark.parametrize("make", [lstm, masked, normalized_and_masked])
def test_saved_model(make, tmp_path):
    pytest.importorskip("tensorflow")
    model = make()
    model.export(tmp_path / "saved", verbose=False)
    check(model, tmp_path / "saved", served)


@needs_saved_model
@pytest.mark.parametrize("family", FAMILIES)
def test_saved_model_of_every_family(family, tmp_path):
    pytest.importorskip("tensorflow")
    model = FPT(make_backbone_of(family), **SIZES, num_layers=1)
    model.export(tmp_path / "saved", verbose=False)
    check(model, tmp_path / "saved", served)


@torch_only
@pytest.mark.parametrize("family", FAMILIES)
def test_onnx_of_every_family(family, tmp_path):
    pytest.importorskip("onnxscript")
    model = FPT(make_backbone_of(family), **SIZES, num_layers=1)
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    check(model, tmp_path / "model.onnx", run_onnx)


@needs_onnx
def test_onnx_of_normalized_tokens(tmp_path):
    pytest.importorskip("onnxscript" if BACKEND == "torch" else "tf2onnx")
    model = normalized()
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    check(model, tmp_path / "model.onnx", run_onnx)


@needs_onnx
def test_onnx_of_trained_values_with_padding(tmp_path):
    pytest.importorskip("onnxscript" if BACKEND == "torch" else "tf2onnx")
    model = masked()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
    x = batch_of(model, 8)
    model.fit(x, np.zeros((8, 2)), verbose=0)
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    check(model, tmp_path / "model.onnx", run_onnx)


@torch_only
@pytest.mark.parametrize(
    "make", [lstm, masked, normalized, normalized_and_masked]
)
def test_on_pytorch(make, tmp_path):
    import torch

    pytest.importorskip("onnxscript")
    model = make()
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    check(model, tmp_path / "model.onnx", run_onnx)
    model.export(tmp_path / "model.pt2", format="torch", verbose=False)
    program = torch.export.load(tmp_path / "model.pt2").module()

    def compute(path, x):
        return program(keras.tree.map_structure(torch.tensor, x)).detach()

    check(model, tmp_path / "model.pt2", compute)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow alone")
def test_onnx_that_would_not_compute_is_refused(tmp_path):
    pytest.importorskip("tf2onnx")
    model = FPT(make_backbone_of("vit"), **SIZES)
    with pytest.raises(ValueError, match="KERAS_BACKEND=torch"):
        model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow writes both")
def test_refusals(backbone, tmp_path):
    refused, elsewhere = {
        "jax": ("onnx", "torch"),
        "torch": ("tf_saved_model", "tensorflow"),
    }[BACKEND]
    model = FPT(backbone, **SIZES)
    with pytest.raises(ValueError, match=f"KERAS_BACKEND={elsewhere}"):
        model.export(tmp_path / "model", format=refused)


def test_a_signature_of_ones_own(backbone, tmp_path):
    model = FPT(backbone, **SIZES)
    signature = [keras.InputSpec("float32", (3, 7, 3), name="tokens")]
    if BACKEND == "torch":
        pytest.importorskip("onnxscript")
        path, form, compute = tmp_path / "model.onnx", "onnx", run_onnx
    else:
        pytest.importorskip("tensorflow")
        path, form, compute = tmp_path / "saved", "tf_saved_model", served
    model.export(path, form, verbose=False, input_signature=signature)
    x = tokens(3, 7, 3)
    np.testing.assert_allclose(compute(path, x), answers(model, x), atol=1e-5)
    with pytest.raises(Exception, match="(?i)shape|dimension|expected"):
        compute(path, tokens(2, 7, 3))
