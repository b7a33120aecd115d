"""A model of ids with a padding mask, and batches of several lengths."""

import numpy as np

from keras_fpt import FrozenPretrainedTransformer


class PaddedTests:
    ids = {"num_tokens": 8, "vocabulary_size": 11}

    def model(self, backbone, **arguments):
        arguments = {"inputs": self.ids, "outputs": 3, **arguments}
        return FrozenPretrainedTransformer(
            backbone, padding_mask=True, **arguments
        )

    def batch(self, length, lengths=(5, 3, 1)):
        x = np.random.default_rng(0).integers(11, size=(3, 8))[:, :length]
        mask = np.arange(length) < np.array(lengths)[:, None]
        return {"tokens": x, "padding_mask": mask}
