"""Features of a frozen model: computed once, trained on many times."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
from typing import Any

import keras
import numpy as np

from keras_fpt.checkpoints import frozen_hash
from keras_fpt.frozen_model import FrozenModel

# Of what a dropout changes, and what rounding does not.
_TOLERANCE = 1e-4


class FeatureCache:
    """What a model computes before its head, once for each example.

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
        `(examples, [k,] hidden_dim)`.

    Raises:
        ValueError: if something before the head is trained, or computes
            otherwise in training, or examples are drawn anew each time.

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
        trained = _trained_before_head(model)
        if trained:
            raise ValueError(
                "Features change while what computes them is trained: expected "
                "a model with finetune='output_only'. Received one that trains "
                f"{trained[0]!r} and {len(trained) - 1} other variables before "
                "its head"
            )
        self.model = model
        self.folder = None if folder is None else pathlib.Path(folder)
        read = model.get_layer("readout").output
        self.head = keras.Model(read, model.output, name=f"{model.name}_head")
        self._features = keras.Model(model.input, read)
        self._kept: dict[str, np.ndarray] = {}
        self._model_hash = self._hash_model()

    def __call__(self, x: Any, batch_size: int = 32) -> np.ndarray:
        if isinstance(x, keras.utils.PyDataset):
            raise ValueError(
                f"A {type(x).__name__} may draw or augment each batch anew: "
                "expected arrays, such as `task.train_examples()` gives"
            )
        self.model.check_tokens(x)
        x = keras.tree.map_structure(np.asarray, x)
        key = self._key(x)
        if key not in self._kept:
            self._kept[key] = self._read_or_compute(key, x, batch_size)
        return self._kept[key]

    def _read_or_compute(self, key: str, x: Any, batch_size: int) -> np.ndarray:
        if self.folder is None:
            return self._compute(x, batch_size)
        file = self.folder / f"{key}.npy"
        if not file.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = file.with_name(f".{file.name}.{os.getpid()}.part")
            with open(partial, "wb") as opened:
                np.save(opened, self._compute(x, batch_size))
            os.replace(partial, file)  # whole, or not at all
        return np.load(file)

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

    def _hash_model(self) -> str:
        own = self.model.get_config()
        # The same model by another name has the same features.
        del own["name"], own["trainable"]
        head = {v.path for v in self.head.weights}
        before = [v for v in self.model.weights if v.path not in head]
        return frozen_hash(before) + json.dumps(own, sort_keys=True)

    def _key(self, x: Any) -> str:
        digest = hashlib.sha256(self._model_hash.encode())
        for array in keras.tree.flatten(x):
            digest.update(f"{array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def _trained_before_head(model: FrozenModel) -> list[str]:
    head = {v.path for v in model.get_layer("head").weights}
    paths = [v.path for v in model.trainable_variables]
    return [path for path in paths if path not in head]
