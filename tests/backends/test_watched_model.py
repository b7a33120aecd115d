"""Ids, masks and classes that no model reads, by every way into a model."""

import warnings

import keras
import numpy as np
import pytest
from helpers.arrays import tokens
from helpers.arrays import values
from helpers.checks import check_survives
from helpers.marks import once
from helpers.padded import PaddedTests

import keras_fpt
from keras_fpt.tasks.batches import Batches

FPT = keras_fpt.FrozenPretrainedTransformer
LOSS = "sparse_categorical_crossentropy"
Y = np.array([0, 2, 1])
# What is wrong, and how it is said on every backend.
FAULTS = {
    "id too large": (lambda x, m, y: (x + 11 * m, m, y), r"0\.\.10.*ids in"),
    "negative id": (lambda x, m, y: (x - 20 * m, m, y), r"0\.\.10.*ids in"),
    "ids in floats": (lambda x, m, y: (x / 2, m, y), "ids must be whole"),
    "too many tokens": (
        lambda x, m, y: (np.tile(x, 3), np.tile(m, 3), y),
        "at most 8 tokens",
    ),
    "padding first": (lambda x, m, y: (x, m[:, ::-1], y), "before a real"),
    "nothing real": (lambda x, m, y: (x, 0 * m, y), "sequence with 0"),
    "mask of NaN": (lambda x, m, y: (x, m * np.nan, y), "Received: nan"),
    "mask of -1": (lambda x, m, y: (x, -1.0 * m, y), "Received: -1.0"),
    "class too large": (lambda x, m, y: (x, m, y + 1), "3 at example 1"),
    "negative class": (lambda x, m, y: (x, m, y - 1), "-1 at example 0"),
    "half a class": (lambda x, m, y: (x, m, y + 0.5), "0.5 at example 0"),
    "no examples": (lambda x, m, y: (x[:0], m[:0], y[:0]), "one example"),
}


class Dataset(keras.utils.PyDataset):
    def __init__(self, *batches):
        super().__init__()
        self.batches = batches

    @property
    def num_batches(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def generator(batch):
    yield batch


def tf_data(batch):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensors(batch)


def loader(batch):
    torch = pytest.importorskip("torch")
    # As a whole: collating would refuse before us what has no rows.
    return torch.utils.data.DataLoader([batch], None, collate_fn=lambda b: b)


WAYS = {
    "data set": Dataset,
    "generator": generator,
    "tf.data": tf_data,
    "DataLoader": loader,
}


@pytest.fixture(scope="class")
def model(request):
    from helpers.backbones import make_backbone

    model = PaddedTests().model(make_backbone(num_layers=1))
    model.compile("sgd", LOSS)
    return model


class TestRefusals(PaddedTests):
    def faulty(self, fault):
        change, message = FAULTS[fault]
        batch = self.batch(5)
        mask = batch["padding_mask"].astype("int32")
        tokens, mask, y = change(batch["tokens"], mask, Y)
        return {"tokens": tokens, "padding_mask": mask}, y, message

    def check(self, message, *calls):
        for call in calls:
            with pytest.raises(ValueError, match=message) as error:
                call()
            assert "\n" not in str(error.value)

    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize("way", WAYS)
    def test_data_sets(self, model, way, fault):
        x, y, message = self.faulty(fault)
        make = WAYS[way]
        before = values(model.weights)
        good = Dataset((self.batch(5), Y))
        self.check(
            message,
            lambda: model.fit(make((x, y)), verbose=0),
            lambda: model.evaluate(make((x, y)), verbose=0),
            lambda: (
                model.fit(good, validation_data=make((x, y)), verbose=0)
                if way == "data set"
                else model.evaluate(make((x, y)), verbose=0)
            ),
        )
        if way != "data set":
            after = values(model.weights)
            for path, value in before.items():
                np.testing.assert_array_equal(after[path], value)

    @pytest.mark.parametrize("fault", FAULTS)
    def test_arrays_and_tensors(self, model, fault):
        x, y, message = self.faulty(fault)
        tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, x)
        fit = {"validation_data": (x, y), "verbose": 0}
        self.check(
            message,
            lambda: model.fit(x, y, verbose=0),
            lambda: model.fit(tensors, keras.ops.convert_to_tensor(y)),
            lambda: model.fit(self.batch(5), Y, **fit),
            lambda: model.evaluate(tensors, y, verbose=0),
            lambda: model.train_on_batch(x, y),
            lambda: model.test_on_batch(tensors, y),
        )
        if "class" not in fault:
            self.check(
                message,
                lambda: model.predict(tensors, verbose=0),
                lambda: model.predict(Dataset((x,)), verbose=0),
                lambda: model.predict_on_batch(x),
            )
        if "class" not in fault and fault != "no examples":
            self.check(message, lambda: model(tensors))

    @pytest.mark.compiled
    @pytest.mark.parametrize("way", ["data set", "generator"])
    def test_a_later_batch(self, model, way):
        """Also in the middle of an epoch, inside a graph on TensorFlow."""
        x, y, message = self.faulty("class too large")
        batches = [(self.batch(5), Y)] * 4 + [(x, y)]
        data = Dataset(*batches) if way == "data set" else iter_of(batches)
        self.check(message, lambda: model.fit(data, shuffle=False, verbose=0))

    def test_a_task_that_draws_what_it_does_not_say(self, model):
        class Wrong(keras_fpt.tasks.Task):
            inputs, outputs = self.ids, 3
            readout, padding_mask = "last_real", True

            def sample(_, rng, batch_size):
                bad = self.faulty("id too large" if late else "padding first")
                return (self.batch(5), Y) if late and first else bad[:2]

        for late in (False, True):
            first = True
            data = Wrong().train_data(3)
            if late:
                data[0]  # which the task checks itself
            first = False
            with pytest.raises(ValueError, match="ids in|before a real"):
                model.fit(data, steps_per_epoch=2, verbose=0)


def iter_of(batches):
    yield from batches


class TestWhatIsRead(PaddedTests):
    def test_padding_may_hold_any_id(self, model):
        x = self.batch(5)
        junk = np.where(x["padding_mask"], x["tokens"], -100)
        odd = {"tokens": junk, "padding_mask": x["padding_mask"]}
        np.testing.assert_allclose(
            model.predict(odd, verbose=0), model.predict(x, verbose=0)
        )

    def test_other_losses_take_other_answers(self, backbone):
        model = self.model(backbone)
        model.compile("sgd", "mse")
        model.train_on_batch(self.batch(5), np.full((3, 3), -7.5))

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (None, "pass `y`"),
            ([0, 1, 2], r"`np.array\(y\)`.*list of 3"),
            (np.array(["a", "b", "c"]), "number classes"),
            (np.array([0, 1, 2], object), "dtype object"),
        ],
    )
    def test_answers_that_no_loss_takes(self, model, y, message):
        for call in (
            lambda: model.fit(self.batch(5), y, verbose=0),
            lambda: model.evaluate(self.batch(5), y, verbose=0),
            lambda: model.train_on_batch(self.batch(5), y),
            lambda: model.fit(
                self.batch(5), Y, validation_data=(self.batch(5), y)
            ),
        ):
            with pytest.raises(ValueError, match=message):
                call()
        if y is None:
            with pytest.raises(ValueError, match=message):
                model.fit(Dataset(self.batch(5)), verbose=0)

    @pytest.mark.parametrize("kind", [str, object, complex])
    def test_tokens_that_are_no_numbers(self, model, kind):
        x = self.batch(5)
        x["tokens"] = x["tokens"].astype(kind)
        with pytest.raises(ValueError, match="tokens that are numbers.*cast"):
            model.predict(x, verbose=0)

    def test_a_class_that_the_loss_leaves_out(self, backbone):
        model = self.model(backbone)
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=-1
        )
        model.compile("sgd", loss)
        model.train_on_batch(self.batch(5), np.array([0, -1, 2]))
        with pytest.raises(ValueError, match="-2 at example 1"):
            model.train_on_batch(self.batch(5), np.array([0, -2, 2]))


def test_class_weight_with_several_answers(backbone):
    model = keras_fpt.FrozenPretrainedTransformer(
        backbone, inputs=(6, 3), outputs=(4, 2)
    )
    model.compile("sgd", LOSS)
    x, y = np.zeros((3, 6, 3)), np.zeros((3, 4), int)
    for call in (
        lambda: model.fit(x, y, class_weight={0: 1.0, 1: 2.0}),
        lambda: model.fit(Dataset((x, y)), class_weight={0: 1.0, 1: 2.0}),
        lambda: model.train_on_batch(x, y, class_weight={0: 1.0, 1: 2.0}),
        lambda: model.train_on_batch(x, y, None, {0: 1.0, 1: 2.0}),
    ):
        with pytest.raises(ValueError, match=r"`sample_weight` .*, 4\)"):
            call()
    # What the words advise computes.
    weights = np.vectorize({0: 1.0, 1: 2.0}.get)(y)
    model.fit(x, y, sample_weight=weights, verbose=0)


class Endless(Dataset):
    num_batches = None

    def __getitem__(self, index):
        return self.batches[0]


def endless_tf_data(batch):
    return tf_data(batch).repeat()


class TestEnds(PaddedTests):
    @pytest.mark.parametrize("make", [Endless, endless_tf_data])
    def test_data_without_end(self, model, make):
        data = make((self.batch(5), Y))
        for call, name in (
            (lambda: model.fit(data), "`steps_per_epoch` to `fit`"),
            (lambda: model.evaluate(data), "`steps` to `evaluate`"),
            (lambda: model.predict(data), "`steps` to `predict`"),
            (
                lambda: model.fit(self.batch(5), Y, validation_data=data),
                "`validation_steps` to `fit`",
            ),
        ):
            with pytest.raises(ValueError, match=f"without end: pass {name}"):
                call()
        assert model.predict(data, None, 0, 2).shape == (6, 3)
        model.evaluate(data, None, None, 0, None, 1)
        model.fit(
            data,
            steps_per_epoch=1,
            validation_data=data,
            validation_steps=1,
            shuffle=False,
            verbose=0,
        )

    def test_data_with_nothing_in_them(self, model):
        x = {name: array[:0] for name, array in self.batch(5).items()}
        for data in (Dataset(), tf_data((self.batch(5), Y)).take(0)):
            for call in (model.fit, model.evaluate, model.predict):
                with pytest.raises(ValueError, match="one example at least"):
                    call(data, verbose=0)
        for call in (
            lambda: model.fit(x, Y[:0]),
            lambda: model.predict(x),
            # The last batch, of none.
            lambda: model.evaluate(
                Dataset((self.batch(5), Y), (x, Y[:0])), verbose=0
            ),
        ):
            with pytest.raises(ValueError, match="one example at least"):
                call()

    def test_steps_are_whole_numbers(self, model):
        for steps in (0, -1, 1.5):
            for call, name in (
                (model.fit, "steps_per_epoch"),
                (model.evaluate, "steps"),
                (model.predict, "steps"),
            ):
                with pytest.raises(ValueError, match=f"{name}={steps}"):
                    call(Endless((self.batch(5), Y)), **{name: steps})


def warned(model, x, **arguments):
    """What `fit` warns of."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        model.fit(x, verbose=0, shuffle=False, **arguments)
    return [w for w in caught if "normalize" in str(w.message)]


def test_tokens_far_from_standard_are_warned_of_once(backbone):
    far, y = 100 + tokens(8, 6, 3), np.arange(8) % 2
    model = keras_fpt.FrozenPretrainedTransformer(
        backbone, inputs=(6, 3), outputs=2
    )
    (warning,) = warned(model, far, y=y)
    assert "mean of about 100" in str(warning.message)
    # It points at the line that calls `fit`.
    assert warning.filename == __file__
    assert not warned(model, far, y=y)
    model = keras_fpt.FrozenPretrainedTransformer(
        backbone, inputs=(6, 3), outputs=2
    )
    model.predict(far, verbose=0)
    assert len(warned(model, Batches((far, y), 4))) == 1


@once
@pytest.mark.parametrize("normalize", [False, "x"])
def test_who_says_normalize_is_not_warned(backbone, normalize, tmp_path):
    far, y = 100 + tokens(8, 6, 3), np.arange(8) % 2
    normalize = far if normalize == "x" else normalize
    model = keras_fpt.FrozenPretrainedTransformer(
        backbone, inputs=(6, 3), outputs=2, normalize=normalize
    )
    assert not warned(model, far, y=y)
    loaded = check_survives(model, tmp_path / "model.keras")
    assert not warned(loaded, far, y=y)


@once
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("bit_xor", {}),
        ("bit_memory", {}),
        ("listops", {"min_length": 5, "max_length": 31, "max_depth": 4}),
    ],
)
def test_tasks_are_not_warned_of(backbone, name, sizes):
    task = keras_fpt.tasks.get(name, **sizes)
    model = keras_fpt.FrozenPretrainedTransformer(
        backbone, task=task, num_positions=2048
    )
    data = task.train_data(2)
    assert not warned(model, data, steps_per_epoch=1)
