"""The image tasks: patches, normalization, augmentation, splits, files."""

import os

import keras
import numpy as np
import pytest
from conftest import other_backend
from conftest import run_python

import keras_fpt
from keras_fpt import tasks
from keras_fpt.tasks import image_files
from keras_fpt.tasks.augmentation import augmented
from keras_fpt.tasks.augmentation import moved
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


class TestAugmentation:
    still = {
        "shift": np.zeros((2, 4), int),
        "flip": np.zeros(4, bool),
        "degrees": np.zeros(4),
    }

    @pytest.mark.parametrize("size", [32, 28])
    def test_nothing_moves_an_image_by_nothing(self, size):
        x = pictures(4, size, size, 3)
        np.testing.assert_array_equal(moved(x, **self.still), x)

    def test_crops_from_the_padded_image(self):
        x = pictures(4, 32, 32, 3)
        shift = np.array([[-4, 0, 3, 4], [4, -1, 0, -4]])
        padded = np.pad(x, ((0, 0), (4, 4), (4, 4), (0, 0)))
        result = moved(x, **{**self.still, "shift": shift})
        for i, (down, right) in enumerate(shift.T):
            expected = padded[i, 4 + down :, 4 + right :][:32, :32]
            np.testing.assert_array_equal(result[i], expected)

    def test_flips_what_was_cropped(self):
        x = pictures(4, 32, 32, 3)
        shift = np.array([[1, 2, 3, 4], [1, 2, 3, 4]])
        flip = np.array([True, False, True, False])
        cropped = moved(x, **{**self.still, "shift": shift})
        result = moved(x, **{**self.still, "shift": shift, "flip": flip})
        np.testing.assert_array_equal(result[flip], cropped[flip][:, :, ::-1])
        np.testing.assert_array_equal(result[~flip], cropped[~flip])

    def test_rotates_as_pillow_does(self):
        image = pytest.importorskip("PIL.Image")
        x = pictures(40, 32, 32, 3)
        degrees = np.linspace(-19.7, 20, 40)
        result = moved(x, np.zeros((2, 40), int), np.zeros(40, bool), degrees)
        for row in range(40):
            expected = image.fromarray(x[row]).rotate(degrees[row])
            same = (result[row] == np.array(expected)).all(axis=-1)
            # A pixel that lies between two may fall to the other side.
            assert same.mean() > 0.995

    def test_rotates_what_was_flipped(self):
        x = pictures(4, 32, 32, 1)
        degrees, flip = np.full(4, 15.0), np.ones(4, bool)
        both = moved(x, **{**self.still, "degrees": degrees, "flip": flip})
        after = moved(x[:, :, ::-1], **{**self.still, "degrees": degrees})
        np.testing.assert_array_equal(both, after)

    def test_statistics(self):
        """A mark in the middle shows shift and flip, a ring the rotation."""
        x = np.zeros((20_000, 32, 32, 1), "uint8")
        x[:, 15:17, 15:17] = 255
        result = augmented(x, np.random.default_rng(0))[..., 0] > 0
        rows = result.any(axis=2).argmax(axis=1) - 15
        columns = result.any(axis=1).argmax(axis=1) - 15
        for moves in (rows, columns):
            assert moves.min() < -3 and moves.max() > 3
            np.testing.assert_allclose(moves.mean(), 0, atol=0.1)
            # Uniform over -4..4, and a little by the rotation.
            np.testing.assert_allclose(moves.std(), np.sqrt(60 / 9), atol=0.2)
        # Left and right halves swap in half of the cases.
        x = np.zeros((20_000, 32, 32, 1), "uint8")
        x[:, :, :16] = 255
        left = augmented(x, np.random.default_rng(1))[:, 16, 6, 0] > 0
        np.testing.assert_allclose(left.mean(), 0.5, atol=0.02)

    def test_angles_spread_over_twenty_degrees(self):
        x = np.zeros((4_000, 32, 32, 1), "uint8")
        x[:, 15:17, 4:28] = 255
        image = augmented(x, np.random.default_rng(0))[..., 0] > 0
        row, column = np.mgrid[:32, :32]
        weight = image / image.sum(axis=(1, 2), keepdims=True)
        means = [(weight * axis).sum(axis=(1, 2)) for axis in (row, column)]
        y = row - means[0][:, None, None]
        x = column - means[1][:, None, None]
        slope = (weight * y * x).sum((1, 2)) / (weight * x * x).sum((1, 2))
        angle = np.degrees(np.arctan(slope))
        assert -24 < angle.min() < -17 and 17 < angle.max() < 24
        np.testing.assert_allclose(angle.mean(), 0, atol=1)
        np.testing.assert_allclose(angle.std(), 20 / np.sqrt(3), rtol=0.1)

    def test_training_images_alone_are_augmented(self, made_up):
        plain = tasks.CIFAR10(augment=False, cache_dir=made_up)
        task = tasks.CIFAR10(cache_dir=made_up)
        rows = np.arange(8)
        for split in ("validation", "test"):
            np.testing.assert_array_equal(
                task.examples_at(split, rows)[0],
                plain.examples_at(split, rows)[0],
            )
        x, y = task.train_data(8, seed=1)[0]
        other, same = plain.train_data(8, seed=1)[0]
        np.testing.assert_array_equal(y, same)
        assert (x != other).any()
        again, _ = task.train_data(8, seed=1)[0]
        np.testing.assert_array_equal(x, again)


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

    def test_trains_and_describes_itself(self, made_up, backbone):
        task = tasks.MNIST("code", cache_dir=made_up)
        model = keras_fpt.FrozenPretrainedTransformer(
            backbone, task=task, num_positions=49
        )
        model.compile(**task.compile_args())
        history = model.fit(
            task.train_data(4), steps_per_epoch=2, shuffle=False, verbose=0
        )
        assert np.isfinite(history.history["loss"][0])
        printed = []
        facts = task.describe(printed.append)
        assert facts["train (train)"] == 55_000
        text = "\n".join(printed)
        for part in ("55,000", "49 tokens of 16", "0.1135", "LeCun", "CC BY"):
            assert part in text


class TestFiles:
    def test_cut_data_is_refused(self, tmp_path):
        arrays = {
            f"{split}_{axis}": np.zeros(
                (7, 28, 28, 1)[: 4 if axis == "x" else 1]
            )
            for split in ("train", "test")
            for axis in "xy"
        }
        np.savez(tmp_path / "mnist-tfds-3.npz", **arrays)
        with pytest.raises(ValueError, match="MNIST .*10,000 ex.*Received 7:"):
            tasks.MNIST(cache_dir=tmp_path).test_data()

    def test_without_data_and_network_says_what_to_do(
        self, tmp_path, monkeypatch
    ):
        pytest.importorskip("tensorflow_datasets")
        requests = pytest.importorskip("requests")

        def no_network(*args, **kwargs):
            raise requests.ConnectionError("no route to host")

        monkeypatch.setattr(requests, "head", no_network)
        task = tasks.CIFAR10(data_dir=tmp_path / "tfds", cache_dir=tmp_path)
        with pytest.raises(FileNotFoundError) as error:
            task.train_data(4)
        message = str(error.value)
        for part in (
            "no route to host",
            "tensorflow_datasets.load('cifar10')",
            "curl -O https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "manual_dir",
            "TFDS_DATA_DIR",
        ):
            assert part in message
        assert "\n" not in message

    def test_archives_that_are_not_in_manual_dir(self, tmp_path):
        pytest.importorskip("tensorflow_datasets")
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"")
        with pytest.raises(
            FileNotFoundError, match="Not found.* t10k-images-idx3"
        ):
            tasks.MNIST(
                data_dir=tmp_path / "tfds",
                manual_dir=tmp_path,
                cache_dir=tmp_path / "cache",
            ).train_data(4)

    def test_a_truncated_archive_is_refused(self, tmp_path):
        pytest.importorskip("tensorflow_datasets")
        archive = tmp_path / "cifar-10-binary.tar.gz"
        archive.write_bytes(b"\x1f\x8b\x08\x00 only the beginning")
        with pytest.raises(ValueError, match="cut or damaged .*[Cc]hecksum"):
            tasks.CIFAR10(
                data_dir=tmp_path / "tfds",
                manual_dir=tmp_path,
                cache_dir=tmp_path / "cache",
            ).train_data(4)
        assert not list((tmp_path / "cache").glob("*"))


@pytest.fixture
def real(shared, monkeypatch):
    folder = shared / "data" / "tfds"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/tfds, which is not here")
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
    return folder


@pytest.fixture(scope="module")
def real_cache(tmp_path_factory):
    """Read once for all tests, and by all backends if CI says where."""
    chosen = os.environ.get("KERAS_FPT_CACHE")
    return chosen or tmp_path_factory.mktemp("cache")


DIGEST = """
import hashlib, sys
import keras_fpt
stream = keras_fpt.tasks.CIFAR10(cache_dir=sys.argv[1]).train_data(16, seed=3)
digest = hashlib.sha256()
for position in (0, 5000):
    for array in stream[position]:
        digest.update(array.tobytes())
print(digest.hexdigest())
"""


class TestRealData:
    @pytest.fixture(autouse=True)
    def folders(self, real, real_cache):
        pytest.importorskip("tensorflow_datasets")
        self.cache = real_cache

    def test_mnist(self):
        task = tasks.MNIST(cache_dir=self.cache)
        _, test = task.test_examples()
        assert np.bincount(test).tolist() == [
            980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
        ]  # fmt: skip
        assert np.isclose((test == 1).mean(), task.floor_accuracy)
        labels = [task.data(s).y for s in ("train", "validation")]
        assert np.bincount(np.concatenate(labels)).tolist() == [
            5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
        ]  # fmt: skip
        pixels = np.concatenate(
            [task.data(s).x for s in ("train", "validation")]
        )
        # The figures that everybody normalizes by.
        np.testing.assert_allclose(pixels.mean() / 255, 0.1307, atol=1e-4)
        np.testing.assert_allclose(pixels.std() / 255, 0.3081, atol=1e-4)

    def test_cifar10(self):
        task = tasks.CIFAR10(augment=False, cache_dir=self.cache)
        assert (np.bincount(task.test_examples()[1]) == 1000).all()
        labels = [task.data(s).y for s in ("train", "validation")]
        assert (np.bincount(np.concatenate(labels)) == 5000).all()
        x = np.concatenate([task.data(s).x for s in ("train", "validation")])
        mean = x.mean(axis=(0, 1, 2), dtype="float64") / 255
        np.testing.assert_allclose(
            mean, [0.49139968, 0.48215841, 0.44653091], atol=1e-7
        )
        # Normalized: by the original's deviations, which are those within
        # images (0.2023), not over all pixels (0.2470).
        tokens, _ = task.validation_examples()
        channels = tokens.reshape(-1, 3)
        np.testing.assert_allclose(channels.mean(axis=0), 0, atol=0.03)
        expected = np.array([0.2470, 0.2435, 0.2616]) / task.deviation
        np.testing.assert_allclose(channels.std(axis=0), expected, rtol=0.02)

    def test_cifar10_lra(self):
        task = tasks.CIFAR10LRA("lra", cache_dir=self.cache)
        ids, y = task.validation_examples()
        assert ids.shape == (5000, 1024)
        assert ids.min() == 0 and ids.max() == 255
        paper = tasks.CIFAR10LRA(cache_dir=self.cache)
        test = [t.test_examples() for t in (task, paper)]
        np.testing.assert_array_equal(test[0][1], test[1][1])
        # Both forms of an image say the same, to within a level.
        levels = (test[1][0][..., 0] * 0.5 + 0.5) * 255
        assert np.abs(levels - test[0][0]).max() < 1.5

    def test_order_is_the_same_on_another_backend(self):
        tasks.CIFAR10(cache_dir=self.cache).data("train")
        digests = {
            run_python(DIGEST, self.cache, backend=name).split()[-1]
            for name in (keras.backend.backend(), other_backend())
        }
        assert len(digests) == 1


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow_datasets"] = None
import keras_fpt
task = keras_fpt.tasks.get("cifar10", cache_dir=sys.argv[1])
print(task.train_data(4)[0][0].shape)
try:
    keras_fpt.tasks.get("cifar10", cache_dir=sys.argv[2]).train_data(4)
except ValueError as error:
    print(error)
print("tensorflow" in sys.modules)
"""


@pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="is TensorFlow's backend"
)
def test_cached_data_needs_no_tensorflow(made_up, tmp_path):
    shape, message, loaded = run_python(
        WITHOUT_TENSORFLOW,
        made_up,
        tmp_path / "empty",
        backend=keras.backend.backend(),
    ).splitlines()
    assert shape == "(4, 64, 48)"
    assert "cannot be imported" in message and "cached arrays" in message
    assert loaded == "False"


def test_gray_of_a_gray_image_is_the_image():
    x = np.repeat(RNG.random((2, 3, 3, 1), dtype="float32"), 3, axis=-1)
    np.testing.assert_allclose(gray(x), 0.9999 * x[..., :1], rtol=1e-5)


def test_archive_names_are_those_of_tensorflow_datasets():
    tfds = pytest.importorskip("tensorflow_datasets")
    folder = os.path.join(os.path.dirname(tfds.__file__), "url_checksums")
    for name, (address, files) in image_files.ARCHIVES.items():
        with open(os.path.join(folder, f"{name}.txt")) as file:
            listed = file.read()
        for archive in files:
            assert address + archive in listed
