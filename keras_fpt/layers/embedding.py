"""An embedding with the same Adam updates on every backend."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_fpt")
class Embedding(keras.layers.Embedding):
    """`keras.layers.Embedding` with a dense gradient on TensorFlow.

    There, the gradient of a lookup is a list of rows, in which an id that
    occurs twice has two. Keras' Adam squares each by itself, not their sum:
    its steps differ from those on other backends, and may exceed the learning
    rate. The gradient of a lookup in a copy of the table is added up.

    Example:

    ```python
    layer = keras_fpt.layers.Embedding(26, 32)
    layer(np.zeros((8, 10), "int32")).shape  # (8, 10, 32)
    ```
    """

    def call(self, inputs: Any) -> Any:
        table = ops.multiply(self.embeddings, 1)
        rows = ops.take(table, ops.cast(inputs, "int32"), axis=0)
        return ops.cast(rows, self.compute_dtype)
