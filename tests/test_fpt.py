"""The model: what goes in, what comes out, whose weights it holds."""

import keras
import numpy as np
import pytest
from conftest import make_backbone
from conftest import values

import keras_fpt

FPT = keras_fpt.FrozenPretrainedTransformer
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def tokens(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    "outputs, shape",
    [(4, (5, 4)), ((2, 4), (5, 2, 4)), ((2, 3, 4), (5, 2, 3, 4))],
)
def test_output_shapes(backbone, outputs, shape):
    model = FPT(backbone, inputs=(6, 3), outputs=outputs)
    assert model(tokens(5, 6, 3)).shape == shape
    assert model.output_shape == (None, *shape[1:])


def test_last_tokens_are_read(backbone):
    one = FPT(backbone, inputs=(6, 3), outputs=4)
    two = FPT(backbone, inputs=(6, 3), outputs=(2, 4))
    two.set_weights(one.get_weights())
    x = tokens(5, 6, 3)
    np.testing.assert_allclose(two.predict(x)[:, 1], one.predict(x), atol=1e-6)


def test_initial_values_of_the_input_layer_and_head(backbone):
    wide = make_backbone(hidden_dim=256, intermediate_dim=8)
    model = FPT(wide, inputs=(6, 50), outputs=100)
    weights = values(model.weights)
    kernel = weights["input_projection/kernel"]  # (50, 256)
    np.testing.assert_allclose(
        kernel @ kernel.T, 1.41**2 * np.eye(50), atol=1e-4
    )
    assert not weights["input_projection/bias"].any()
    for name in ("head/kernel", "head/bias"):
        limit = 1 / np.sqrt(256)
        assert np.abs(weights[name]).max() <= limit
        np.testing.assert_allclose(
            weights[name].std(), limit / np.sqrt(3), rtol=0.2
        )
    ids = {"num_tokens": 6, "vocabulary_size": 100}
    model = FPT(wide, inputs=ids, outputs=2)
    table = values(model.weights)["input_embedding/embeddings"]
    assert table.shape == (100, 256)
    np.testing.assert_allclose([table.mean(), table.std()], [0, 1], atol=0.03)


def test_backbone_of_the_user_stays_as_it_was(backbone):
    backbone.layer_norm.trainable = False  # a flag of the user's own
    before = values(backbone.weights)
    flags = [weight.trainable for weight in backbone.weights]
    model = FPT(backbone, inputs=(6, 3), outputs=4)
    model.compile("adam", CROSS_ENTROPY)
    model.fit(tokens(8, 6, 3), np.zeros(8, int), verbose=0)
    after = values(backbone.weights)
    for path in before:
        np.testing.assert_array_equal(after[path], before[path])
    assert [weight.trainable for weight in backbone.weights] == flags


def test_two_models_of_one_backbone_do_not_disturb_each_other(backbone):
    first = FPT(backbone, inputs=(6, 3), outputs=4)
    second = FPT(backbone, inputs=(9, 2), outputs=2, finetune="full")
    before, flags = values(second.weights), len(second.trainable_weights)
    first.compile("adam", CROSS_ENTROPY)
    first.fit(tokens(8, 6, 3), np.zeros(8, int), verbose=0)
    after = values(second.weights)
    for path in before:
        np.testing.assert_array_equal(after[path], before[path])
    assert len(second.trainable_weights) == flags == len(second.weights)


def test_values_are_those_of_the_backbone(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=4)
    theirs = values(backbone.weights)
    for path, value in values(model.trunk.weights).items():
        np.testing.assert_array_equal(value, theirs[path])
    assert not any("token_embedding" in w.path for w in model.weights)


def test_num_layers_keeps_the_first_blocks():
    deep = make_backbone(num_layers=4)
    model = FPT(deep, inputs=(6, 3), outputs=4, num_layers=2)
    shallow = make_backbone(num_layers=2)
    theirs = {weight.path: weight for weight in deep.weights}
    for weight in shallow.weights:
        weight.assign(theirs[weight.path])
    expected = FPT(shallow, inputs=(6, 3), outputs=4)
    expected.set_weights(model.get_weights())
    assert len(model.trunk.blocks) == 2
    x = tokens(2, 6, 3)
    np.testing.assert_allclose(model.predict(x), expected.predict(x), atol=1e-6)


def test_random_follows_from_the_seed_alone(backbone):
    def trunk(seed):
        model = FPT(
            backbone,
            inputs=(6, 3),
            outputs=4,
            initialization="random",
            seed=seed,
        )
        return values(model.trunk.weights)

    one, again, other = trunk(1), trunk(1), trunk(2)
    for path in one:
        np.testing.assert_array_equal(one[path], again[path])
    kernel = "transformer_layer_0/self_attention/query/kernel"
    assert (one[kernel] != other[kernel]).any()
    # The same numbers on every backend, on any machine: checkpoints of a
    # random trunk name only its seed.
    np.testing.assert_allclose(
        one[kernel].ravel()[:3], RANDOM_SEED_1, atol=1e-7
    )


# numpy.random.default_rng((1, crc32(path))), times 0.02.
RANDOM_SEED_1 = (0.00358596, 0.01959426, -0.01090017)


def test_random_is_the_scheme_of_the_backbone():
    wide = make_backbone(hidden_dim=64, intermediate_dim=256)
    model = FPT(wide, inputs=(6, 3), outputs=4, initialization="random", seed=0)
    for path, value in values(model.trunk.weights).items():
        if path.endswith("gamma"):
            assert (value == 1).all()
        elif path.endswith(("beta", "bias")):
            assert not value.any()
        else:
            np.testing.assert_allclose(value.std(), 0.02, rtol=0.1)
            np.testing.assert_allclose(value.mean(), 0, atol=2e-3)


def test_seed_of_a_random_trunk_comes_from_the_global_seed(backbone):
    def seed():
        keras.utils.set_random_seed(3)
        arguments = {"inputs": (6, 3), "outputs": 4}
        model = FPT(backbone, initialization="random", **arguments)
        return model.get_config()["seed"]

    assert seed() == seed() is not None


def test_dropout_is_set_everywhere_by_from_preset(tmp_path, backbone):
    backbone.save_to_preset(str(tmp_path))
    model = FPT.from_preset(
        str(tmp_path), inputs=(6, 3), outputs=4, dropout=0.25
    )
    assert model.get_layer("input_dropout").rate == 0.25
    assert model.trunk.embeddings_dropout.rate == 0.25
    assert all(block.dropout == 0.25 for block in model.trunk.blocks)


def test_backbone_object_keeps_its_own_dropout():
    model = FPT(make_backbone(dropout=0.3), inputs=(6, 3), outputs=4)
    assert model.get_layer("input_dropout").rate == 0.1
    assert all(block.dropout == 0.3 for block in model.trunk.blocks)


def test_dropout_acts_in_training_only(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=4, dropout=0.5)
    x = tokens(4, 6, 3)

    def logits(training):
        return keras.ops.convert_to_numpy(model(x, training=training))

    quiet = logits(training=False)
    np.testing.assert_array_equal(logits(training=False), quiet)
    assert (logits(training=True) != quiet).any()


def test_regression_and_multi_label_are_a_matter_of_the_loss(backbone):
    x = tokens(16, 6, 3)
    model = FPT(backbone, inputs=(6, 3), outputs=1)
    model.compile("adam", "mse")
    model.fit(x, x.sum((1, 2)), epochs=2, verbose=0)
    model = FPT(backbone, inputs=(6, 3), outputs=5)
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    history = model.fit(x, np.ones((16, 5)), epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_summary_and_plot_name_the_four_parts(backbone):
    model = FPT(backbone, inputs=(6, 3), outputs=4)
    lines = []
    model.summary(print_fn=lambda line, line_break=True: lines.append(line))
    text = "\n".join(lines)
    for part in ("input_projection", "trunk (GPT2Trunk)", "readout", "head"):
        assert part in text
    trained = model.finetune_summary(lambda _: None)["total"]["trained"]
    assert f"Trainable params: {trained:,}" in text

    pytest.importorskip("pydot")
    dot = keras.utils.model_to_dot(model, show_shapes=True).to_string()
    for part in ("input_projection", "trunk", "readout", "head"):
        assert part in dot


class TestPadding:
    ids = {"num_tokens": 8, "vocabulary_size": 11}

    def model(self, backbone, **arguments):
        arguments = {"inputs": self.ids, "outputs": 3, **arguments}
        return FPT(backbone, padding_mask=True, **arguments)

    def batch(self, length, lengths=(5, 3, 1)):
        x = np.random.default_rng(0).integers(11, size=(3, 8))[:, :length]
        mask = np.arange(length) < np.array(lengths)[:, None]
        return {"tokens": x, "padding_mask": mask}

    @pytest.mark.parametrize("readout", ["last_real", "mean"])
    def test_more_padding_changes_nothing(self, backbone, readout):
        model = self.model(backbone, readout=readout)
        short = model.predict(self.batch(5), verbose=0)
        long = model.predict(self.batch(8), verbose=0)
        np.testing.assert_allclose(short, long, atol=1e-6)
        unmasked = self.batch(8, lengths=(8, 8, 8))
        assert np.abs(model.predict(unmasked, verbose=0) - long).max() > 1e-3

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

    def test_forgotten_mask_is_refused(self, backbone):
        model = self.model(backbone)
        with pytest.raises(ValueError, match="takes a padding mask"):
            model.predict(self.batch(8)["tokens"], verbose=0)
        with pytest.raises(ValueError, match=r"Received: \['mask', 'tokens'\]"):
            model.predict({"tokens": np.ones((1, 8)), "mask": 0}, verbose=0)


class TestRefusals:
    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({}, "Pass `task=`, or both"),
            ({"inputs": (6, 3)}, "Pass `task=`, or both"),
            ({"inputs": (6, 3, 1), "outputs": 2}, "token_dim"),
            ({"inputs": 6, "outputs": 2}, "token_dim"),
            ({"inputs": {"num_tokens": 6}, "outputs": 2}, "vocabulary_size"),
            ({"inputs": (6, 0), "outputs": 2}, "positive whole numbers"),
            ({"inputs": (6, 2.5), "outputs": 2}, "positive whole numbers"),
            ({"inputs": (6, 3), "outputs": 0}, "`outputs` is"),
            ({"inputs": (6, 3), "outputs": (1, 2, 3, 4)}, "`outputs` is"),
            ({"inputs": (6, 3), "outputs": "2"}, "`outputs` is"),
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
