"""What does not fit is refused with what came and what was expected."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.backbones import make_backbone

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


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

    def test_task_and_sizes_together(self, backbone):
        task = keras_fpt.tasks.get("bit_xor")
        with pytest.raises(ValueError, match="not both"):
            FPT(backbone, task=task, outputs=2)

    def test_float16_variables(self):
        half = make_backbone(dtype="float16")
        with pytest.raises(ValueError, match="float16 does not train"):
            FPT(half, inputs=(6, 3), outputs=2)

    def test_trunk_of_another_model(self, backbone):
        model = FPT(backbone, inputs=(6, 3), outputs=2)
        with pytest.raises(ValueError, match="serves one model"):
            FPT(model.trunk, inputs=(6, 3), outputs=2, finetune="full")

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

    @pytest.mark.parametrize("shape", [(4, 6), (4, 6, 2), (4, 5, 3), (6, 3)])
    def test_shapes_of_arrays(self, backbone, shape):
        model = FPT(backbone, inputs=(6, 3), outputs=2)
        model.compile("adam", CROSS_ENTROPY)
        x, y = np.zeros(shape), np.zeros(len(np.zeros(shape)), int)
        for call in (model, model.predict, lambda x: model.fit(x, y)):
            with pytest.raises(ValueError, match=r"\(batch, 6, 3\)") as error:
                call(x)
            assert str(shape) in str(error.value)

    def test_validation_arrays_are_looked_at(self, backbone):
        model = FPT(backbone, inputs=(6, 3), outputs=2)
        model.compile("adam", CROSS_ENTROPY)
        bad = (np.zeros((4, 7, 3)), np.zeros(4))
        with pytest.raises(ValueError, match=r"\(4, 7, 3\)"):
            model.fit(tokens(4, 6, 3), np.zeros(4), validation_data=bad)

    def test_list_of_sequences(self, backbone):
        model = FPT(backbone, inputs=(6, 3), outputs=2)
        with pytest.raises(ValueError, match="pad_sequences"):
            model.predict([np.zeros((6, 3)), np.zeros((4, 3))])

    @pytest.mark.parametrize("bad", [11, -1])
    def test_ids_outside_the_vocabulary(self, backbone, bad):
        ids = {"num_tokens": 4, "vocabulary_size": 11}
        model = FPT(backbone, inputs=ids, outputs=2)
        x = np.zeros((2, 4), int)
        x[1, 2] = bad
        with pytest.raises(ValueError, match=r"0\.\.10"):
            model.predict(x, verbose=0)
        with pytest.raises(ValueError, match="float64"):
            model.predict(x.astype(float), verbose=0)
