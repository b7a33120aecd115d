"""The image tasks: patches, normalization, splits, epochs."""

import numpy as np
import pytest

from keras_fpt import tasks
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
