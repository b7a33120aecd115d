"""What suits the backend: compiled by XLA where that pays."""

import keras

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_jit_is_left_out_where_it_does_not_pay(backbone, tmp_path):
    model = FPT(backbone, inputs=(7, 3), outputs=2)
    model.compile("adam", CROSS_ENTROPY)
    on_jax = keras.backend.backend() == "jax"  # these tests run on CPUs
    assert model.jit_compile == on_jax
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.jit_compile == on_jax
    model.compile("adam", CROSS_ENTROPY, jit_compile=not on_jax)
    assert model.jit_compile != on_jax
    model.save(tmp_path / "model.keras")
    # What was chosen for one backend says nothing about another.
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.jit_compile == on_jax
