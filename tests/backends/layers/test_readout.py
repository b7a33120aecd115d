"""Padding masks: sequences of several lengths, read at the right token."""

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.checks import check_layer
from helpers.checks import check_model
from helpers.marks import once
from helpers.padded import PaddedTests

import keras_fpt
from keras_fpt.trunks import GPT2Trunk

FPT = keras_fpt.FrozenPretrainedTransformer
values_of = keras.ops.convert_to_numpy
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@keras.saving.register_keras_serializable(package="tests")
class BidirectionalTrunk(GPT2Trunk):
    """GPT-2 in which each token sees all others, as in an encoder."""

    def block_context(self, x, padding_mask):
        if padding_mask is None:
            return keras.ops.ones((x.shape[1], x.shape[1]))
        return keras.ops.cast(padding_mask, "bool")[:, None, None, :]


@pytest.mark.compiled  # a graph has its own ways with lengths
class TestPadding(PaddedTests):
    @pytest.mark.parametrize("readout", ["last_real", "mean"])
    def test_more_padding_changes_nothing(self, backbone, readout):
        model = self.model(backbone, readout=readout)
        short = model.predict(self.batch(5), verbose=0)
        long = model.predict(self.batch(8), verbose=0)
        np.testing.assert_allclose(short, long, atol=1e-6)
        unmasked = self.batch(8, lengths=(8, 8, 8))
        assert np.abs(model.predict(unmasked, verbose=0) - long).max() > 1e-3

    @pytest.mark.parametrize("readout", ["last_real", "mean"])
    def test_more_padding_changes_nothing_on_a_bidirectional_trunk(
        self, backbone, readout
    ):
        trunk = BidirectionalTrunk.from_backbone(backbone)
        model = self.model(trunk, readout=readout)
        batch, longer = self.batch(5), self.batch(8)
        short = model.predict(batch, verbose=0)
        np.testing.assert_allclose(
            model.predict(longer, verbose=0), short, atol=1e-6
        )
        # What stands at a padded place does not matter, ...
        other = {**longer, "tokens": longer["tokens"].copy()}
        other["tokens"][~longer["padding_mask"]] = 7
        np.testing.assert_allclose(
            model.predict(other, verbose=0), short, atol=1e-6
        )
        # ... and would, were it not for the mask in the blocks themselves.
        hidden = keras.ops.convert_to_tensor(tokens(3, 8, 16))
        masked = trunk(hidden, padding_mask=longer["padding_mask"])
        real = longer["padding_mask"]
        difference = np.abs(values_of(trunk(hidden)) - values_of(masked))
        assert difference[real].max() > 1e-3
        without = model.predict(
            {**longer, "padding_mask": np.ones_like(real)}, verbose=0
        )
        assert np.abs(without - short).max() > 1e-3

    def test_last_real_tokens_are_read(self, backbone):
        model = self.model(backbone, readout="last_real", outputs=(2, 3))
        batch = self.batch(8, lengths=(5, 3, 2))
        computed = model.predict(batch, verbose=0)
        cut = FPT(
            backbone, inputs={**self.ids, "num_tokens": 3}, outputs=(2, 3)
        )
        cut.set_weights(model.get_weights())
        expected = cut.predict(batch["tokens"][1:2, :3], verbose=0)
        np.testing.assert_allclose(computed[1:2], expected, atol=1e-5)

    def test_arrays_of_different_length_train(self, backbone):
        sequences = [np.arange(n) % 11 for n in (8, 2, 5, 7)]
        padded = keras.utils.pad_sequences(sequences, padding="post")
        ones = [np.ones(len(sequence)) for sequence in sequences]
        mask = keras.utils.pad_sequences(ones, padding="post")
        model = self.model(backbone, readout="last_real")
        model.compile("adam", CROSS_ENTROPY)
        x = {"tokens": padded, "padding_mask": mask}
        y = np.array([0, 1, 2, 0])
        history = model.fit(x, y, epochs=8, verbose=0).history
        assert history["loss"][-1] < history["loss"][0]

    def test_last_real_without_mask_is_refused(self, backbone):
        with pytest.raises(ValueError, match="padding_mask=True"):
            FPT(backbone, inputs=self.ids, outputs=3, readout="last_real")

    @pytest.mark.parametrize(
        "mask, message",
        [
            (np.ones((3, 1)), r"expected shape \(3, 8\).*\(3, 1\)"),
            (np.arange(8) > np.array([[2], [1], [0]]), "real tokens first"),
            (np.arange(8) < np.array([[5], [3], [1]]), "last 2 real.* 1:"),
        ],
    )
    def test_masks_that_would_be_read_wrongly(self, backbone, mask, message):
        model = self.model(backbone, readout="last_real", outputs=(2, 3))
        batch = {**self.batch(8), "padding_mask": mask}
        with pytest.raises(ValueError, match=message):
            model.predict(batch, verbose=0)

    @once
    def test_sequences_shorter_than_the_readout(self, backbone):
        model = self.model(backbone, outputs=(4, 3), readout="last")
        assert model.predict(self.batch(4), verbose=0).shape == (3, 4, 3)
        with pytest.raises(ValueError, match="last 4 tokens.* of 3:"):
            model.predict(self.batch(3), verbose=0)

    @once
    def test_readout_alone_needs_a_mask(self):
        readout = keras_fpt.layers.Readout(readout="last_real")
        with pytest.raises(ValueError, match="padding_mask=True"):
            readout(tokens(2, 3, 4))

    def test_forgotten_mask_is_refused(self, backbone):
        model = self.model(backbone)
        with pytest.raises(ValueError, match="takes a padding mask"):
            model.predict(self.batch(8)["tokens"], verbose=0)
        with pytest.raises(ValueError, match=r"Received: \['mask', 'tokens'\]"):
            model.predict({"tokens": np.ones((1, 8)), "mask": 0}, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({}, (3, 5)),
        ({"num_tokens": 2}, (3, 2, 5)),
        ({"readout": "mean"}, (3, 5)),
        ({"readout": "flatten"}, (3, 35)),
    ],
)
def test_it_is_a_layer(arguments, shape):
    layer = keras_fpt.layers.Readout
    check_layer(lambda **k: layer(**arguments, **k), tokens(3, 7, 5), shape)


class TestFlatten:
    def model(self, backbone, **arguments):
        arguments = {"outputs": 2, "readout": "flatten", **arguments}
        return FPT(backbone, inputs=(7, 3), dropout=0.0, **arguments)

    def test_the_head_weighs_each_token_by_its_place(self, backbone, tmp_path):
        model = self.model(backbone)
        x = tokens(8, 7, 3)
        hidden = values_of(model.trunk(model.get_layer("input_projection")(x)))
        kernel, bias = model.get_layer("head").get_weights()
        assert kernel.shape == (7 * 16, 2)
        limit = (7 * 16) ** -0.5
        assert 0.9 * limit < np.abs(kernel).max() <= limit
        expected = hidden.reshape(8, -1) @ kernel + bias
        computed = values_of(model(x))
        np.testing.assert_allclose(computed, expected, atol=1e-5)
        check_model(model, x, np.arange(8) % 2, tmp_path / "model.keras")

    @once
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"outputs": (2, 3)}, 'readout="flatten" gives one vector'),
            ({"padding_mask": True}, "one length and no padding mask"),
            ({"readout": "concat"}, "'mean', 'flatten'.*'concat'"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, backbone, arguments, message):
        with pytest.raises(ValueError, match=message):
            self.model(backbone, **arguments)
