"""Blocks of steps on JAX change no number of a training."""

import keras
import numpy as np
from helpers.arrays import values
from helpers.backbones import make_backbone
from helpers.marks import jax_only

import keras_fpt
from keras_fpt import step_blocks
from keras_fpt.tasks.batches import Batches

TASK = keras_fpt.tasks.BitXor(num_bits=3)
X, Y = TASK.test_data(44)[0]


def make(size, **arguments):
    keras.utils.set_random_seed(0)
    model = keras_fpt.FrozenPretrainedTransformer(
        make_backbone(dropout=0.1), task=TASK, seed=0, **arguments
    )
    model.compile(**TASK.compile_args(1e-2), steps_per_execution=size)
    return model


class Steps(keras.callbacks.Callback):
    """Notes where Keras calls, and the head there, once it asks for it."""

    def __init__(self):
        super().__init__()
        self.seen, self.heads = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((batch, float(logs["loss"])))
        self.model.jax_state_sync()
        self.heads.append(np.array(self.model.trainable_weights[-2]))


@jax_only
class TestModel:
    def test_weights_and_losses_are_the_same(self):
        """Eleven batches, twice: two blocks and three steps."""
        size = 4
        expected = make(1)
        history = expected.fit(
            Batches((X, Y), 4), epochs=2, shuffle=False, verbose=0
        ).history
        model, steps = make(size), Steps()
        found = model.fit(
            Batches((X, Y), 4),
            epochs=2,
            shuffle=False,
            verbose=0,
            callbacks=[steps],
        )
        assert found.history == history
        assert [batch for batch, _ in steps.seen] == [3, 7, 11] * 2
        assert not np.array_equal(steps.heads[0], steps.heads[1])
        for path, value in values(expected.weights).items():
            np.testing.assert_array_equal(
                values(model.weights)[path], value, err_msg=path
            )
        assert model.evaluate(Batches((X, Y), 4), verbose=0) == (
            expected.evaluate(Batches((X, Y), 4), verbose=0)
        )

    def test_a_block_is_one_dispatch(self, monkeypatch):
        """Not merely the same numbers: single steps are never called."""
        model = make(4)
        model.make_train_function()

        def never(*_):
            raise AssertionError("a step by itself")

        monkeypatch.setattr(model.train_function, "_single", never)
        model.fit(X[:16], Y[:16], batch_size=2, verbose=0)
        model.make_test_function()
        monkeypatch.setattr(model.test_function, "_single", never)
        model.evaluate(X[:16], Y[:16], batch_size=2, verbose=0)

    def test_batches_of_several_lengths(self):
        """A block holds batches of one shape; others go one by one."""
        lengths = (4, 4, 6)
        rng = np.random.default_rng(0)
        batches = [
            (
                {
                    "tokens": rng.normal(size=(2, n, 3)).astype("float32"),
                    "padding_mask": np.ones((2, n), bool),
                },
                np.arange(2),
            )
            for n in lengths
        ]

        class Lengths(keras.utils.PyDataset):
            num_batches = len(lengths)

            def __getitem__(self, index):
                return batches[index]

        losses = []
        for size in (1, 2):
            keras.utils.set_random_seed(0)
            model = keras_fpt.FrozenPretrainedTransformer(
                make_backbone(),
                inputs=(6, 3),
                outputs=2,
                padding_mask=True,
                seed=0,
            )
            model.compile(
                keras.optimizers.Adam(1e-2),
                keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                steps_per_execution=size,
            )
            history = model.fit(Lengths(), shuffle=False, verbose=0)
            losses.append(history.history["loss"])
        assert losses[0] == losses[1]


@jax_only
def test_what_keras_does_itself_is_left_to_it():
    model = make(1)
    assert not step_blocks.serve(model)
    model.compile(**TASK.compile_args(1e-2), steps_per_execution=2)
    assert step_blocks.serve(model)
    for own in ({"run_eagerly": True}, {"jit_compile": False}):
        model.compile(**TASK.compile_args(1e-2), **own, steps_per_execution=2)
        assert not step_blocks.serve(model)
