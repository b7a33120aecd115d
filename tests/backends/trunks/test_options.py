"""LoRA, few bits, precision, recomputation, positions: one argument each."""

import re
import warnings

import keras
import numpy as np
import pytest
from helpers.arrays import answers
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.backbones import FAMILIES
from helpers.backbones import make_backbone_of
from helpers.checks import check_freeze
from helpers.checks import check_learns
from helpers.checks import check_survives
from helpers.checks import flags
from helpers.marks import each
from helpers.marks import once

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
SIZES = {"inputs": (7, 3), "outputs": 2}
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
X, Y = tokens(8, 7, 3), np.arange(8) % 2


def fit(model, epochs=8):
    model.compile(keras.optimizers.Adam(1e-2), CROSS_ENTROPY)
    return check_learns(model, X, Y, epochs)


@pytest.fixture(params=each("gpt2", "bert", "t5", "llama", "esm", "vit"))
def family(request):
    return request.param


class TestLoRA:
    def test_it_starts_as_nothing_and_trains_beside_the_frozen(
        self, family, tmp_path
    ):
        backbone = make_backbone_of(family)
        plain = FPT(backbone, **SIZES, dropout=0.0, finetune="output")
        model = FPT(
            backbone, **SIZES, dropout=0.0, finetune="output", lora_rank=2
        )
        own = {v.path: v for v in model.weights}
        for path, value in values(plain.weights).items():
            own[path].assign(value)
        np.testing.assert_allclose(
            answers(model, X), answers(plain, X), atol=1e-6
        )
        lora = {path for path in own if "lora" in path}
        assert len(lora) == 8  # two matrices, queries and values, two blocks
        trained = {path for path, trained in flags(model).items() if trained}
        assert trained == lora | {"head/kernel", "head/bias"}
        check_freeze(model, lambda model: fit(model, epochs=3))
        check_survives(model, tmp_path / "model.keras", X)

    @once
    def test_counts_and_checkpoint(self, backbone, tmp_path):
        backbone.save_to_preset(str(tmp_path / "preset"))
        model = FPT.from_preset(
            str(tmp_path / "preset"), **SIZES, lora_rank=3, dropout=0.0
        )
        counts = model.finetune_summary(print_fn=lambda text: None)
        # (16, 2 heads, 3) and (3, 8), of queries and of values, in two blocks
        assert counts["lora"]["trained"] == 2 * 2 * (96 + 24)
        fit(model)
        model.save_trained(tmp_path / "trained.safetensors")
        again = FPT.from_trained(tmp_path / "trained.safetensors")
        np.testing.assert_array_equal(answers(again, X), answers(model, X))


class TestQuantization:
    @pytest.mark.parametrize("mode", each("int8", "int4"))
    def test_it_trains_and_comes_back(self, mode, tmp_path):
        backbone = make_backbone_of("gpt2", hidden_dim=32, intermediate_dim=64)
        plain = FPT(backbone, **SIZES, dropout=0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            model = FPT(backbone, **SIZES, dropout=0.0, quantization=mode)
        kernels = [v for v in model.trunk.weights if v.path.endswith("kernel")]
        assert {str(v.dtype) for v in kernels} == {"int8"}
        own = {v.path: v for v in model.weights}
        for path, value in values(plain.weights).items():
            if not path.endswith("kernel") or "transformer" not in path:
                own[path].assign(value)
        near = np.abs(answers(model, X) - answers(plain, X))
        assert 0 < near.max() < (0.1 if mode == "int8" else 1.5)
        assert not any(v.trainable for v in kernels)
        check_freeze(model, fit)
        loaded = check_survives(model, tmp_path / "model.keras", X)
        fit(loaded, epochs=2)

    @pytest.mark.parametrize("name", each(*FAMILIES))
    def test_every_family(self, name):
        model = FPT(
            make_backbone_of(name), **SIZES, num_layers=1, quantization="int8"
        )
        counts = model.finetune_summary(print_fn=lambda text: None)
        assert counts["attention"]["trained"] == 0
        kinds = {str(v.dtype) for v in model.trunk.weights}
        assert kinds == {"int8", "float32"}
        assert np.isfinite(answers(model, X)).all()

    @once
    def test_with_lora(self, backbone, tmp_path):
        model = FPT(backbone, **SIZES, quantization="int8", lora_rank=2)
        assert any("lora_kernel_b" in v.path for v in model.trainable_weights)
        check_freeze(model, fit)
        check_survives(model, tmp_path / "model.keras", X)

    @once
    def test_of_a_file_with_trained_values(self, backbone, tmp_path):
        backbone.save_to_preset(str(tmp_path / "preset"))
        model = FPT.from_preset(
            str(tmp_path / "preset"), **SIZES, quantization="int8", dropout=0.0
        )
        fit(model)
        model.save_trained(tmp_path / "trained.safetensors")
        again = FPT.from_trained(tmp_path / "trained.safetensors")
        np.testing.assert_array_equal(answers(again, X), answers(model, X))

    @once
    def test_kernels_that_are_to_be_trained_are_refused(self, backbone):
        with pytest.raises(ValueError, match="cannot be trained.*'attention'"):
            FPT(backbone, **SIZES, finetune="attention", quantization="int8")
        with pytest.raises(ValueError, match="cannot be trained"):
            FPT(backbone, **SIZES, finetune="full", quantization="int4")


class TestKernelsInBfloat16:
    arguments = {**SIZES, "dropout": 0.0}
    frozen = {"quantization": "bfloat16"}

    def models(self, backbone):
        """With kernels in float32, which are cast each time, and without."""
        for options in ({}, self.frozen):
            keras.utils.set_random_seed(3)
            yield FPT(backbone, **self.arguments, **options)

    def test_it_computes_and_trains_as_the_mixed_policy_does(self, family):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            plain, frozen = self.models(make_backbone_of(family))
        finally:
            keras.config.set_dtype_policy("float32")
        kept = {v.path: str(v.dtype) for v in frozen.weights}
        kernels = {p for p, dtype in kept.items() if dtype == "bfloat16"}
        assert all(re.search("kernel$", p) for p in kernels) and kernels
        counts = frozen.finetune_summary(print_fn=lambda text: None)
        sizes = {v.path: np.prod(v.shape) for v in frozen.weights}
        blocks = counts["attention"]["total"] + counts["feed_forward"]["total"]
        assert sum(sizes[p] for p in kernels) > 0.9 * blocks
        np.testing.assert_array_equal(answers(frozen, X), answers(plain, X))
        histories = [fit(model, epochs=4) for model in (plain, frozen)]
        np.testing.assert_allclose(*histories, rtol=1e-2)
        assert histories[1][-1] < histories[1][0]

    @once
    def test_it_comes_back(self, backbone, tmp_path):
        backbone.save_to_preset(str(tmp_path / "preset"))
        model = FPT.from_preset(
            str(tmp_path / "preset"),
            **SIZES,
            dtype="mixed_bfloat16",
            dropout=0.0,
            **self.frozen,
        )
        fit(model, epochs=2)
        check_survives(model, tmp_path / "model.keras", X)
        model.save_trained(tmp_path / "trained.safetensors")
        again = FPT.from_trained(tmp_path / "trained.safetensors")
        np.testing.assert_array_equal(answers(again, X), answers(model, X))
        twin = model.sibling(inputs=(7, 3), outputs=2)
        assert twin.count_params() == model.count_params()
        with pytest.raises(ValueError, match="cannot be trained"):
            model.sibling(inputs=(7, 3), outputs=2, finetune="full")

    @once
    def test_what_does_not_fit_is_refused(self, backbone):
        with pytest.raises(ValueError, match="computes in float32"):
            FPT(backbone, **SIZES, **self.frozen)


class TestPrecision:
    @pytest.mark.parametrize("dtype", each("mixed_bfloat16", "bfloat16"))
    def test_policy(self, backbone, dtype, tmp_path):
        backbone.save_to_preset(str(tmp_path / "preset"))
        model = FPT.from_preset(
            str(tmp_path / "preset"), **SIZES, dtype=dtype, dropout=0.0
        )
        assert model.trunk.compute_dtype == "bfloat16"
        kinds = {str(v.dtype) for v in model.trunk.weights}
        stored = "float32" if dtype.startswith("mixed") else "bfloat16"
        assert kinds == {stored}
        fit(model)
        check_survives(model, tmp_path / "model.keras", X)
        model.save_trained(tmp_path / "trained.safetensors")
        again = FPT.from_trained(tmp_path / "trained.safetensors")
        assert again.trunk.dtype_policy.name == dtype
        np.testing.assert_array_equal(answers(again, X), answers(model, X))


@once
class TestPositions:
    @pytest.mark.parametrize("name", each("llama", "t5", "esm"))
    def test_a_table_is_added_on_request(self, name, tmp_path):
        backbone = make_backbone_of(name)
        arguments = {**SIZES, "dropout": 0.0}
        plain = FPT(backbone, **arguments)
        assert plain.trunk.num_positions is None
        assert not any("position_emb" in v.path for v in plain.weights)
        model = FPT(backbone, **arguments, positions="learned", num_positions=9)
        table = values(model.weights)["position_embedding/embeddings"]
        assert table.shape == (9, 16)
        fit(model, epochs=2)
        trained = values(model.weights)["position_embedding/embeddings"]
        assert (trained[:7] != table[:7]).all()
        np.testing.assert_array_equal(trained[7:], table[7:])
        check_survives(model, tmp_path / "model.keras", X)

    def test_default_size_and_refusals(self):
        backbone = make_backbone_of("llama")
        model = FPT(backbone, **SIZES, positions="learned")
        assert model.trunk.num_positions == 1024
        with pytest.raises(ValueError, match='positions="learned"'):
            FPT(backbone, **SIZES, num_positions=9)
        with pytest.raises(ValueError, match="6 positions.* 7 tokens"):
            FPT(backbone, **SIZES, positions="learned", num_positions=6)

    def test_images_leave_their_table_behind(self):
        model = FPT(make_backbone_of("vit"), **SIZES)
        assert model.trunk.num_positions == 1024
        model = FPT(make_backbone_of("vit"), **SIZES, num_positions=7)
        table = values(model.weights)["position_embedding/embeddings"]
        assert table.shape == (7, 16) and not table.any()


@once
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"positions": "rotary"}, "'learned'|\"learned\".*'rotary'"),
        ({"quantization": "int2"}, "'int8', 'int4', 'bfloat16'.*'int2'"),
        ({"lora_rank": 0}, "lora_rank=0"),
        ({"lora_rank": 1.5}, "lora_rank=1.5"),
        ({"remat": "yes"}, "remat='yes'"),
        ({"num_layers": 0}, "num_layers=0"),
        ({"finetune": "recurrent"}, "no group 'recurrent'.*attention"),
    ],
)
def test_refusals(backbone, arguments, message):
    with pytest.raises(ValueError, match=message):
        FPT(backbone, **SIZES, **arguments)


def test_a_group_has_its_own_learning_rate(backbone, tmp_path):
    model = FPT(backbone, **SIZES, dropout=0.0, finetune=("fpt", "attention"))
    before = values(model.weights)
    model.compile(
        keras.optimizers.Adam(1e-2), CROSS_ENTROPY, learning_rates={"input": 0}
    )
    model.fit(X, Y, epochs=2, verbose=0)
    after = values(model.weights)
    for path in ("input_projection/kernel", "head/kernel"):
        same = (after[path] == before[path]).all()
        assert same == path.startswith("input")
    loaded = check_survives(model, tmp_path / "model.keras", X)
    loaded.fit(X, Y, verbose=0)
    path = "input_projection/kernel"
    np.testing.assert_array_equal(values(loaded.weights)[path], after[path])
    with pytest.raises(ValueError, match="of which nothing is trained"):
        model.compile("adam", CROSS_ENTROPY, learning_rates={"feed_forward": 1})
