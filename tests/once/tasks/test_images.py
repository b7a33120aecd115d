"""The image tasks: patches, normalization, splits, epochs."""

import numpy as np
import pytest

from keras_fpt import tasks
from keras_fpt.tasks.cifar10_lra import gray
from keras_fpt.tasks.cifar10_lra import gray_levels
from keras_fpt.tasks.images import patches

RNG = np.random.default_rng(0)
NAMES = ("mnist", "cifar10", "cifar10_lra")


def pictures(*shape):
    return RNG.integers(256, size=shape, dtype="uint8")


def numbers(x):
    """The row that each image of `made_up` came from."""
    x = x.reshape(len(x), -1, x.shape[-1])[:, :3, 0].astype(int)
    return x @ [1, 256, 65536]


class TestPatches:
    @pytest.mark.parametrize(
        "shape, patch",
        [((3, 32, 32, 3), 4), ((2, 28, 28, 1), 4), ((2, 8, 12, 2), 2)],
    )
    def test_order_is_the_originals(self, shape, patch):
        einops = pytest.importorskip("einops")
        images = RNG.random(shape, dtype="float32")
        # The original has channels first.
        expected = einops.rearrange(
            images.transpose(0, 3, 1, 2),
            "b c (h p1) (w p2) -> b (h w) (p1 p2 c)",
            p1=patch,
            p2=patch,
        )
        assert patches(images, patch).tobytes() == expected.tobytes()

    def test_mnist_is_padded_by_two_pixels_of_zeros(self):
        x = pictures(5, 28, 28, 1)
        whole = tasks.MNIST(whole_images=True).tokens(x, None)
        assert whole.shape == (5, 32, 32, 1)
        np.testing.assert_array_equal(
            whole[:, 2:30, 2:30], x.astype("float32") / 255
        )
        assert np.isclose(whole.sum(), (x / 255).sum(), rtol=1e-5)
        tokens = tasks.MNIST().tokens(x, None)
        np.testing.assert_array_equal(tokens, patches(whole, 4))
        code = tasks.MNIST("code").tokens(x, None)
        np.testing.assert_array_equal(code, patches(x / np.float32(255), 4))

    def test_patches_of_another_size(self):
        x = pictures(5, 28, 28, 1)
        whole = tasks.MNIST(whole_images=True).tokens(x, None)
        task = tasks.MNIST(patch_size=8)
        assert task.inputs == (16, 64)
        np.testing.assert_array_equal(task.tokens(x, None), patches(whole, 8))
        assert tasks.CIFAR10(patch_size=16).inputs == (4, 768)

        class Coarse(tasks.MNIST):
            patch_size = 8

        assert Coarse().inputs == (16, 64)
        for wrong in (5, 0, 2.0):
            with pytest.raises(ValueError, match=f"patch_size={wrong}"):
                tasks.MNIST(patch_size=wrong)

    def test_cifar10_is_normalized_as_the_original(self):
        x = pictures(5, 32, 32, 3)
        whole = tasks.CIFAR10(whole_images=True).tokens(x, None)
        for channel, (mean, deviation) in enumerate(
            [(0.4914, 0.2023), (0.4822, 0.1994), (0.4465, 0.2010)]
        ):
            np.testing.assert_allclose(
                whole[..., channel],
                (x[..., channel] / 255 - mean) / deviation,
                atol=1e-5,
            )

    def test_cifar10_lra_is_gray(self):
        x = pictures(5, 32, 32, 3)
        tokens = tasks.CIFAR10LRA().tokens(x, None)
        assert (tokens.shape, tokens.dtype) == ((5, 1024, 1), "float32")
        red, green, blue = np.moveaxis(x / 255, -1, 0)
        expected = 0.2989 * red + 0.587 * green + 0.114 * blue
        np.testing.assert_allclose(
            tokens.reshape(5, 32, 32), (expected - 0.5) / 0.5, atol=1e-5
        )

    def test_gray_levels_are_tensorflows(self):
        tf = pytest.importorskip("tensorflow")
        x = pictures(1500, 8, 8, 3)
        expected = np.array(tf.image.rgb_to_grayscale(x))
        assert gray_levels(x).dtype == "uint8"
        difference = gray_levels(x).astype(int) - expected
        # Sums in another order fall on the other side of a level at times.
        assert np.abs(difference).max() <= 1
        assert (difference != 0).mean() < 1e-3

    def test_lra_tokens_are_the_levels(self):
        task = tasks.CIFAR10LRA("lra")
        levels = pictures(5, 32, 32, 1)
        tokens = task.tokens(levels, None)
        assert (tokens.shape, tokens.dtype) == ((5, 1024), "int32")
        np.testing.assert_array_equal(tokens, levels.reshape(5, -1))
        whole = tasks.CIFAR10LRA("lra", whole_images=True).tokens(levels, None)
        np.testing.assert_allclose(whole, (levels / 255 - 0.5) / 0.5, atol=1e-5)


def test_gray_of_a_gray_image_is_the_image():
    x = np.repeat(RNG.random((2, 3, 3, 1), dtype="float32"), 3, axis=-1)
    np.testing.assert_allclose(gray(x), 0.9999 * x[..., :1], rtol=1e-5)


class TestSplits:
    @pytest.mark.parametrize("name", NAMES)
    def test_training_and_validation_share_no_image(self, made_up, name):
        for variant in tasks.get(name).variants:
            task = tasks.get(name, variant=variant, cache_dir=made_up)
            task.augment = False
            parts = [numbers(task.data(s).x) for s in ("train", "validation")]
            if variant == "lra":  # gray: numbers are no longer to be read
                assert [len(part) for part in parts] == [45_000, 5_000]
                continue
            train, validation = map(set, parts)
            assert len(train) == task.num_train_examples
            assert len(validation) == 5_000
            assert not train & validation
            assert len(train | validation) == len(train) + 5_000
            again = tasks.get(name, variant=variant, cache_dir=made_up)
            np.testing.assert_array_equal(
                numbers(again.data("validation").x), parts[1]
            )

    def test_lra_holds_out_the_last_tenth(self):
        held_out = tasks.CIFAR10LRA("lra").held_out(50_000)
        assert held_out[45_000:].all() and not held_out[:45_000].any()
        paper = tasks.CIFAR10LRA().held_out(50_000)
        assert paper.sum() == 5_000 and paper[:45_000].sum() > 4_000

    def test_an_epoch_meets_each_image_once(self, made_up):
        task = tasks.CIFAR10(augment=False, cache_dir=made_up)
        task.data("train")
        stream = task.train_data(1000, seed=5)
        rows = [stream.order.rows(i) for i in range(90)]
        first, second = np.split(np.concatenate(rows), 2)
        for epoch in (first, second):
            assert len(np.unique(epoch)) == 45_000
        assert (first != second).any()
        other = task.train_data(1000, seed=6)
        assert (other.order.rows(0) != rows[0]).any()
        later = task.train_data(1000, seed=5, start=60)
        np.testing.assert_array_equal(later[3][1], stream[63][1])

    @pytest.mark.parametrize("name", NAMES)
    def test_shapes_and_dtypes(self, made_up, name):
        for variant in tasks.get(name).variants:
            task = tasks.get(name, variant=variant, cache_dir=made_up)
            x, y = task.train_data(4)[0]
            if isinstance(task.inputs, dict):
                assert (x.shape, x.dtype) == ((4, 1024), "int32")
            else:
                assert (x.shape, x.dtype) == ((4, *task.inputs), "float32")
            assert (y.shape, y.dtype) == ((4,), "int32")
            whole = tasks.get(
                name, variant=variant, whole_images=True, cache_dir=made_up
            )
            x, _ = whole.train_data(4)[0]
            assert x.shape == (4, *whole.image_shape)
            assert whole.inputs == whole.image_shape

    def test_it_describes_itself(self, made_up):
        task = tasks.MNIST("code", cache_dir=made_up)
        printed = []
        facts = task.describe(printed.append)
        assert facts["train (train)"] == 55_000
        text = "\n".join(printed)
        for part in ("55,000", "49 tokens of 16", "0.1135", "LeCun", "CC BY"):
            assert part in text
