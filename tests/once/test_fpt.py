"""What does not fit is refused with what came and what was expected."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.backbones import make_backbone

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
X, ZERO = tokens(4, 6, 3), np.zeros(3)


class TestRefusals:
    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({}, "Pass `task=`, or both"),
            ({"inputs": (6, 3)}, "Pass `task=`, or both"),
            ({"inputs": (6, 3, 1), "outputs": 2}, "token_dim"),
            ({"inputs": 6, "outputs": 2}, "token_dim"),
            ({"inputs": {"num_tokens": 6}, "outputs": 2}, "vocabulary_size"),
            ({"inputs": (6, 0), "outputs": 2}, "token_dim=0"),
            ({"inputs": (6, 2.5), "outputs": 2}, "whole number.*token_dim=2.5"),
            ({"inputs": (6, 3), "outputs": 0}, "outputs=0"),
            ({"inputs": (6, 3), "outputs": (1, 2, 3, 4)}, "`outputs` is"),
            ({"inputs": (6, 3), "outputs": "2"}, "outputs='2'"),
            ({"inputs": (6, 3), "outputs": 2.0}, "outputs=2.0"),
            ({"inputs": (6, 3), "outputs": True}, "outputs=True"),
            ({"inputs": (6, 3), "outputs": ()}, "`outputs` is"),
            ({"inputs": (6, 3), "outputs": 2, "finetune": ()}, "nothing"),
            ({"inputs": (6, 3), "outputs": 2, "finetune": None}, "None"),
            ({"task": "bit_xor"}, r'get\("bit_xor"\).*Received: task='),
            ({"task": keras_fpt.tasks.BitXor}, "`task` is an object"),
            ({"inputs": (6, 3), "outputs": (7, 2)}, "last 7 tokens .* of 6"),
            ({"inputs": (33, 3), "outputs": 2}, "32 positions.* 33 tokens"),
            (
                {"inputs": (6, 3), "outputs": 2, "readout": "first"},
                "'last', 'last_real', 'mean'.*'first'",
            ),
            (
                {"inputs": (6, 3), "outputs": (2, 2), "readout": "mean"},
                "one vector a sequence",
            ),
            ({"inputs": (6, 3), "outputs": 2, "dropout": 1.0}, "less than 1"),
            (
                {"inputs": (6, 3), "outputs": 2, "initialization": "zeros"},
                "'pretrained', 'random'.*'zeros'",
            ),
            (
                {"inputs": (6, 3), "outputs": 2, "num_layers": 3},
                r"1\.\.2.*num_layers=3",
            ),
        ],
    )
    def test_arguments(self, backbone, arguments, message):
        with pytest.raises(ValueError, match=message) as error:
            FPT(backbone, **arguments)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        "normalize, message",
        [
            (X[..., :2], r"does not fit: .*\(batch, 6, 3\).*\(4, 6, 2\)"),
            (X[0], r"does not fit: .*\(6, 3\)"),
            (X[:0], r"\(0, 6, 3\), none of them real"),
            (X.astype(str), "tokens that are numbers"),
            (X * np.nan, "finite.*number 0 has mean nan"),
            (X + [0, np.inf, 0], "finite.*number 1 has mean inf"),
            ((ZERO, ZERO - [0, 0, 1]), "at least 0.*number 2 .* -1.0"),
            ((ZERO, ZERO + np.inf), "finite.*variance inf"),
            ((ZERO, ZERO + 1e39), "in float32.*variance inf"),
            ((ZERO, ZERO[:2]), r"of shape \(3,\).*\(3,\) and \(2,\)"),
            ((0.0, 1.0), r"of shape \(3,\).*\(\) and \(\)"),
            ((ZERO, "one"), "no two arrays of numbers"),
            ((ZERO,), "Received: a tuple of 1"),
            (list(X), "Received: a list of 4"),
            (True, "normalize=True"),
            ("tokens", "normalize='tokens'"),
            ({"tokens": X, "padding_mask": X[..., 0]}, r"named \['tokens'\]"),
        ],
    )
    def test_normalize(self, backbone, normalize, message):
        arguments = {"inputs": (6, 3), "outputs": 2, "normalize": normalize}
        with pytest.raises(ValueError, match=message) as error:
            FPT(backbone, **arguments)
        assert "\n" not in str(error.value)
        assert "`normalize`" in str(error.value)

    def test_normalize_of_ids(self, backbone):
        inputs = {"num_tokens": 6, "vocabulary_size": 9}
        with pytest.raises(ValueError, match="ids have no mean.*`inputs="):
            FPT(backbone, inputs=inputs, outputs=2, normalize=X)
        FPT(backbone, inputs=inputs, outputs=2, normalize=False)

    def test_normalize_without_the_mask(self, backbone):
        arguments = {"inputs": (6, 3), "outputs": 2, "padding_mask": True}
        with pytest.raises(ValueError, match="does not fit.*padding mask"):
            FPT(backbone, **arguments, normalize=X)
        nothing = {"tokens": X, "padding_mask": np.zeros((4, 6))}
        with pytest.raises(ValueError, match="sequence with 0"):
            FPT(backbone, **arguments, normalize=nothing)

    def test_task_and_sizes_together(self, backbone):
        task = keras_fpt.tasks.get("bit_xor")
        with pytest.raises(ValueError, match="not both"):
            FPT(backbone, task=task, outputs=2)

    def test_lora_and_quantized_backbones(self):
        lora = make_backbone()
        lora.enable_lora(2)
        with pytest.raises(ValueError, match="LoRA or quantized.*lora"):
            FPT(lora, inputs=(6, 3), outputs=2)
        quantized = make_backbone()
        quantized.quantize("int8")
        with pytest.raises(ValueError, match="LoRA or quantized.*scale"):
            FPT(quantized, inputs=(6, 3), outputs=2)

    def test_preset_in_the_place_of_a_backbone(self):
        with pytest.raises(ValueError, match="loaded by `from_preset`"):
            FPT("gpt2_tiny_en", inputs=(6, 3), outputs=2)

    def test_unknown_backbone(self):
        with pytest.raises(
            ValueError, match="opens a Sequential.*GPT2Backbone"
        ):
            FPT(keras.Sequential(), inputs=(6, 3), outputs=2)
