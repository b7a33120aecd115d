"""Features of a frozen model: computed once, trained on many times."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_fpt.cache import cached
from keras_fpt.checkpoints import frozen_hash
from keras_fpt.data_watch import on_host
from keras_fpt.frozen_model import FrozenModel

# Relative; above rounding error and below the effect of dropout.
_TOLERANCE = 1e-4


class FeatureCache:
    """Computes what the head reads, once for each example.

    If nothing before the head is trained, an example gives the same hidden
    vectors in every epoch. To train the head on kept ones is the same
    training, and epochs after the first cost next to nothing: section 3.9 of
    the paper says that they are 500 to 2,000 times as fast.

    Args:
        model: a `FrozenPretrainedTransformer` or another model of this
            library with `finetune="output_only"`, and without dropout.
        folder: string, path or `None`. Where features are kept beyond this
            process, under a hash of all that they follow from. Defaults to
            `None`: in memory.

    Attributes:
        head: `keras.Model` from features to answers. It holds the model's own
            head: what it learns, the model has learned.

    Call arguments:
        x: array, or dict of `"tokens"` and `"padding_mask"`. Examples as the
            model takes them.
        batch_size: int. Examples that are computed at once. Defaults to `32`.

    Returns:
        A call returns the features: an array of shape
        `(examples, [k,] hidden_dim)`, of `readout="flatten"`
        `(examples, num_tokens * hidden_dim)`, which is yours to change.

    Raises:
        ValueError: if something before the head is trained, or computes
            otherwise in training, or examples are drawn again each time.

    Example:

    ```python
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        "gpt2_tiny_en",
        inputs=(16, 3),
        outputs=2,
        finetune="output_only",
        dropout=0.0,
    )
    x, y = np.random.rand(64, 16, 3), np.random.randint(2, size=64)
    features = keras_fpt.FeatureCache(model)
    features.head.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    features.head.fit(features(x), y, epochs=100)
    model.predict(x)  # with the trained head
    ```
    """

    def __init__(
        self, model: FrozenModel, folder: str | pathlib.Path | None = None
    ) -> None:
        read = model.get_layer("readout").output
        self.model = model
        self.folder = folder
        self.head = keras.Model(read, model.output, name=f"{model.name}_head")
        own = {v.path for v in self.head.weights}
        self._before_head = [v for v in model.weights if v.path not in own]
        trained = [v.path for v in self._before_head if v.trainable]
        if trained:
            raise ValueError(
                "Features change while what computes them is trained: expected "
                "a model with finetune='output_only'. Received one that trains "
                f"{trained[0]!r} and {len(trained) - 1} other variables before "
                "its head"
            )
        self._features = keras.Model(model.input, read)
        self._kept: dict[str, np.ndarray] = {}

    def __call__(self, x: Any, batch_size: int = 32) -> np.ndarray:
        arrays = keras.tree.flatten(x)
        if not all(hasattr(array, "__array__") for array in arrays):
            raise ValueError(
                f"A {type(x).__name__} may draw or augment each batch anew: "
                "expected arrays, such as `task.train_examples()` gives"
            )
        x = keras.tree.map_structure(on_host, x)
        self.model.check_batch(x)
        key = self._key(x)
        if key not in self._kept:

            def compute() -> dict[str, np.ndarray]:
                return {"features": self._compute(x, batch_size)}

            found = (
                compute()
                if self.folder is None
                else cached(
                    key, compute, self.folder, lambda kept: self._check(kept, x)
                )
            )
            self._kept[key] = found["features"]
        return self._kept[key].copy()

    def _check(self, arrays: Mapping[str, np.ndarray], x: Any) -> None:
        """Refuses arrays of a file that are no features of these examples."""
        size = len(keras.tree.flatten(x)[0])
        features = arrays.get("features")
        shape = (size, *self._features.output_shape[1:])
        if features is None or not (
            features.shape == shape
            and features.dtype == "float32"
            and np.isfinite(features).all()
        ):
            raise ValueError("it holds no features of these examples")

    def _compute(self, x: Any, batch_size: int) -> np.ndarray:
        self._check_same_in_training(x)
        features = self._features.predict(x, batch_size, verbose=0)
        # What bfloat16 holds, a file of NumPy's does not know.
        return np.asarray(features, "float32")

    def _check_same_in_training(self, x: Any) -> None:
        few = keras.tree.map_structure(lambda array: array[:2], x)
        train, first, second = (
            keras.ops.convert_to_numpy(self._features(few, training=training))
            for training in (True, False, False)
        )
        size = np.abs(first).max()
        for other in (train, second):
            if np.abs(other - first).max() > _TOLERANCE * size:
                raise ValueError(
                    "The model computes other features each time: expected "
                    "one without dropout (dropout=0.0) and without a random "
                    "first state. Received one with dropout="
                    f"{self.model.dropout} around {self.model.trunk.describe()}"
                )

    def _key(self, x: Any) -> str:
        """A hash of all that the features of these examples follow from."""
        config = self.model.get_config()
        # The same model by another name has the same features.
        del config["name"], config["trainable"]
        written = json.dumps(config, sort_keys=True)
        digest = hashlib.sha256(frozen_hash(self._before_head).encode())
        digest.update(written.encode())
        for array in keras.tree.flatten(x):
            digest.update(f"{array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
