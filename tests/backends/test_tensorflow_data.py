"""Data sets whose batches differ in length, which TensorFlow is told of."""

import keras
import numpy as np
import pytest
from helpers.padded import PaddedTests

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.mark.compiled  # a graph has its own ways with lengths
class TestSeveralLengths(PaddedTests):
    def test_batches_of_different_length_train(self, backbone):
        """Keras on TensorFlow takes the first two batches for all."""
        lengths = [5, 5, 8, 3, 8, 4]

        class Ragged(keras.utils.PyDataset):
            num_batches = len(lengths)

            def __getitem__(_, index):
                drawn.append(index)
                return self.batch(lengths[index]), np.array([0, 1, 2])

        drawn = []
        model = self.model(backbone, readout="last_real")
        model.compile("sgd", CROSS_ENTROPY)
        data = Ragged()
        history = model.fit(
            data, epochs=2, validation_data=Ragged(), shuffle=False, verbose=0
        ).history
        assert len(history["loss"]) == 2
        assert set(drawn) == set(range(6))
        losses = []
        for index in range(6):
            model.reset_metrics()
            losses.append(model.test_on_batch(*data[index]))
        # An average over examples: each batch has three.
        expected = history["val_loss"][-1]
        np.testing.assert_allclose(np.mean(losses), expected, rtol=1e-5)
        np.testing.assert_allclose(
            model.evaluate(data, verbose=0), expected, rtol=1e-5
        )

    def test_a_data_set_of_several_lengths_keeps_its_ways(self, backbone):
        """Inputs alone, weights or none, and what happens at its ends."""
        lengths = (4, 4, 8)
        calls = []

        class Ragged(keras.utils.PyDataset):
            num_batches = 3

            def __init__(_, *others):
                super().__init__()
                _.others = others

            def __getitem__(_, index):
                batch = self.batch(lengths[index], lengths=(3, 2, 1))
                return (batch, *_.others) if _.others else batch

            def on_epoch_end(_):
                calls.append("end")

        model = self.model(backbone, readout="last_real")
        model.compile("sgd", CROSS_ENTROPY)
        assert model.predict(Ragged(), verbose=0).shape == (9, 3)
        y = np.array([0, 1, 2])
        none = model.evaluate(Ragged(y, None), verbose=0)
        weights = np.array([1.0, 1.0, 1.0])
        one = model.evaluate(Ragged(y, weights), verbose=0)
        np.testing.assert_allclose(none, one, rtol=1e-5)
        other = model.evaluate(Ragged(y, np.array([9.0, 1.0, 1.0])), verbose=0)
        assert abs(other - one) > 1e-3
        calls.clear()
        # By position: x, y, batch_size, epochs, ..., validation_data.
        data = Ragged(y)
        model.fit(data, None, None, 2, 0, None, 0.0, Ragged(y), shuffle=False)
        assert len(calls) >= 2

    def test_an_endless_stream_of_several_lengths_goes_on(self, backbone):
        """Epochs follow each other in the stream, on TensorFlow too."""
        drawn = []

        class Endless(keras.utils.PyDataset):
            num_batches = None

            def __getitem__(_, index):
                drawn.append(index)
                length = 3 + index % 5
                batch = self.batch(length, lengths=(3, 2, 1))
                return batch, np.array([0, 1, 2])

        model = self.model(backbone, readout="last_real")
        model.compile("sgd", CROSS_ENTROPY)
        seen = []
        after = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: seen.append(max(drawn))
        )
        history = model.fit(
            Endless(),
            steps_per_epoch=4,
            epochs=3,
            shuffle=False,
            verbose=0,
            callbacks=[after],
        ).history
        assert len(history["loss"]) == 3
        # Batches may be drawn ahead, but none twice after the first looks.
        assert seen[0] >= 3 and seen[1] >= 7 and seen[2] >= 11
        rest = [index for index in drawn if index > 1]
        assert rest == sorted(set(rest))
