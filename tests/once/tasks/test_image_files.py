"""Image data: the real figures, what is missing or cut, the cache."""

import dataclasses
import hashlib
import io
import os
import tarfile

import keras
import numpy as np
import pytest
from helpers.processes import other_backend
from helpers.processes import run_python

from keras_fpt import tasks
from keras_fpt.tasks import image_files
from keras_fpt.tasks.cifar10 import CLASS_NAMES


class TestFiles:
    @pytest.mark.parametrize(
        "name, damaged",
        [
            ("test_y", np.full(4, 10, "int32")),
            ("test_y", np.full(4, -1, "int32")),
            ("train_y", np.zeros(7, "int64")),
            ("train_x", np.zeros((6, 28, 28, 1), "uint8")),
            ("train_x", np.zeros((7, 28, 28, 1), "float32")),
            ("test_x", np.zeros((4, 32, 32, 3), "uint8")),
            ("images", np.zeros(4)),
        ],
    )
    def test_a_cache_of_other_arrays_is_made_again(
        self, name, damaged, tmp_path, monkeypatch
    ):
        good = {
            f"{split}_{axis}": np.ones(
                (rows, 28, 28, 1) if axis == "x" else (rows,),
                "uint8" if axis == "x" else "int32",
            )
            for split, rows in (("train", 7), ("test", 4))
            for axis in "xy"
        }
        monkeypatch.setitem(image_files.COUNTS, "mnist", (7, 4))
        monkeypatch.setattr(image_files, "_read", lambda *_: good)
        path = tmp_path / "mnist-tfds-3.npz"
        np.savez(path, **{**good, name: damaged})
        with pytest.warns(UserWarning, match="mnist-tfds-3.npz.*made again"):
            image_files.read_images("mnist", cache_dir=tmp_path)
        with np.load(path) as file:
            assert set(file) == set(good) and (file["test_y"] == 1).all()
        image_files.read_images("mnist", cache_dir=tmp_path)

    def write_archive(self, path, rows):
        """CIFAR-10 in its own binary form, small."""
        rng = np.random.default_rng(0)
        names = [f"data_batch_{i}.bin" for i in range(1, 6)]
        labels = [f"{name}\n".encode() for name in CLASS_NAMES]
        files = {"batches.meta.txt": b"".join(labels)}
        for name in (*names, "test_batch.bin"):
            x = rng.integers(256, size=(rows, 3073), dtype="uint8")
            x[:, 0] %= 10
            files[name] = x.tobytes()
        with tarfile.open(path, "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return files

    def test_archives_in_manual_dir_are_read(self, tmp_path, monkeypatch):
        """The checksum is the test's own, and so are the numbers of rows."""
        tfds = pytest.importorskip("tensorflow_datasets")
        archive = tmp_path / "cifar-10-binary.tar.gz"
        files = self.write_archive(archive, rows=3)
        address, _ = image_files.ARCHIVES["cifar10"]
        checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
        known = dataclasses.replace(
            tfds.builder_cls("cifar10").url_infos[address + archive.name],
            size=archive.stat().st_size,
            checksum=checksum,
        )
        monkeypatch.setattr(
            tfds.builder_cls("cifar10"),
            "url_infos",
            {address + archive.name: known},
        )
        monkeypatch.setitem(image_files.COUNTS, "cifar10", (15, 3))
        arrays = image_files.read_images(
            "cifar10", tmp_path / "tfds", tmp_path, tmp_path / "cache"
        )
        written = np.frombuffer(files["test_batch.bin"], "uint8")
        written = written.reshape(3, 3073)
        order = np.argsort(written[:, 1:].sum(axis=1, dtype="int64"))
        read = np.argsort(arrays["test_x"].sum(axis=(1, 2, 3), dtype="int64"))
        np.testing.assert_array_equal(
            arrays["test_x"][read].transpose(0, 3, 1, 2).reshape(3, -1),
            written[order, 1:],
        )
        np.testing.assert_array_equal(arrays["test_y"][read], written[order, 0])
        # A set of another size is refused, and does not get into the cache.
        monkeypatch.setitem(image_files.COUNTS, "cifar10", (15, 4))
        with pytest.raises(ValueError, match="has 4 examples. Received 3"):
            image_files.read_images(
                "cifar10", tmp_path / "tfds", tmp_path, tmp_path / "other"
            )
        assert not list(tmp_path.glob("other/*"))

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
        expected = np.array([0.2470, 0.2435, 0.2616]) / task.std
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
from importlib.machinery import PathFinder

class WithoutTensorFlow(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            return None
        return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutTensorFlow
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


def test_archive_names_are_those_of_tensorflow_datasets():
    tfds = pytest.importorskip("tensorflow_datasets")
    folder = os.path.join(os.path.dirname(tfds.__file__), "url_checksums")
    for name, (address, files) in image_files.ARCHIVES.items():
        with open(os.path.join(folder, f"{name}.txt")) as file:
            listed = file.read()
        for archive in files:
            assert address + archive in listed
