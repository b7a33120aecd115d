"""Remote homology: TAPE's three formats, refusals, lengths, evaluation."""

import csv
import gzip
import io
import json
import os
import pickle
import sys
import tarfile

import keras
import numpy as np
import pytest
from conftest import make_backbone

import keras_fpt
from keras_fpt.tasks.remote_homology import RemoteHomology
from keras_fpt.tasks.tape_files import read_split

LETTERS = "ABCDEFGHIKLMNOPQRSTUVWXYZ"
COUNTS = {"train": 40, "valid": 12, "test_fold_holdout": 16}


class Small(RemoteHomology):
    """The task in small: as many tokens as the tests' models have positions.

    Two rows of each split are too long.
    """

    num_tokens = 32
    padded_lengths = (16, 32)
    num_rows = {
        **COUNTS,
        "test_superfamily_holdout": 1,
        "test_family_holdout": 1,
    }
    num_left_out = 2


def made_up(split):
    """Sequences of 1 to 30 letters, the first and the last too long."""
    count = COUNTS[split]
    rng = np.random.default_rng(count)
    lengths = [40, *rng.integers(1, 31, size=count - 2), 33]
    sequences = ["".join(rng.choice(list(LETTERS), size=n)) for n in lengths]
    return sequences, rng.integers(1195, size=count).tolist()


def records(split, of=list):
    """Objects with all fields of TAPE's."""
    return [
        {
            "primary": sequence,
            "protein_length": len(sequence),
            "fold_label": label,
            "class_label": 1,
            "superfamily_label": 2,
            "family_label": 3,
            "id": f"d1abc{number}_" if number % 2 else b"d2abc_",
            "evolutionary": of([[0.25, 0.5] for _ in sequence]),
            "secondary_structure": of([number % 3 for _ in sequence]),
            "solvent_accessibility": of([0.5 for _ in sequence]),
        }
        for number, (sequence, label) in enumerate(
            zip(*made_up(split), strict=True)
        )
    ]


def as_json(rows):
    rows = [{**row, "id": "d1abc"} for row in rows]
    return json.dumps(rows).encode()


def as_csv(split):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["seq", "label"])
    writer.writerows(zip(*made_up(split), strict=True))
    return text.getvalue().encode()


def write_tarball(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def write_lmdb(path, values):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(path), map_size=2**24) as environment:
        with environment.begin(write=True) as transaction:
            for key, value in values.items():
                transaction.put(key.encode(), value)


def pickled(rows, protocol=3):
    values = {str(i): pickle.dumps(row, protocol) for i, row in enumerate(rows)}
    return {"num_examples": pickle.dumps(len(rows), protocol), **values}


def in_json(folder):
    for split in COUNTS:
        path = folder / f"remote_homology_{split}.json"
        path.write_bytes(as_json(records(split)))


def in_packed_json(folder):
    for split in COUNTS:
        path = folder / f"remote_homology_{split}.json.gz"
        path.write_bytes(gzip.compress(as_json(records(split))))


def in_csv(folder):
    for split in COUNTS:
        (folder / f"{split}.csv").write_bytes(as_csv(split))


def in_packed_csv(folder):
    (folder / "remote_homology").mkdir()
    for split in COUNTS:
        path = folder / f"remote_homology/{split}.csv.gz"
        path.write_bytes(gzip.compress(as_csv(split)))


def in_tarball(folder):
    name = "remote_homology/remote_homology_{}.json"
    files = {name.format(split): as_json(records(split)) for split in COUNTS}
    write_tarball(folder / "remote_homology.tar.gz", files)


def in_lmdb(folder):
    (folder / "remote_homology").mkdir()
    for split in COUNTS:
        path = folder / f"remote_homology/remote_homology_{split}.lmdb"
        write_lmdb(path, pickled(records(split, np.array)))


@pytest.fixture
def data_dir(tmp_path):
    in_csv(tmp_path)
    return tmp_path


@pytest.fixture
def tape(shared):
    return shared / "data/tape_remote_homology"


class TestRealData:
    @pytest.fixture(scope="class")
    def kept(self):
        """Reads each form of the task once."""
        return {}

    @pytest.fixture(params=["paper", "code"])
    def task(self, request, tape, kept):
        if request.param not in kept:
            kept[request.param] = RemoteHomology(request.param, tape)
        return kept[request.param]

    def test_counts_labels_and_what_is_too_long(self, task):
        added = 0 if task.variant == "paper" else 2
        train = task.data("train")
        validation, test = task.data("validation"), task.data("test")
        assert len(train) == 12_312 - 7 == task.num_train_examples
        assert len(validation) == 736
        # Of two folds, every protein to train on is too long.
        assert np.unique(train.y).tolist() == [
            fold for fold in range(1195) if fold not in (394, 1071)
        ]
        assert train.lengths.min() == 17 + added
        assert train.lengths.max() <= 1024
        assert sorted(validation.y[validation.y < 0]) == [-1, -1]
        assert (validation.lengths[validation.y < 0] == 1024).all()
        assert np.bincount(train.y).argmax() == 36
        assert (train.y == 36).sum() == 981
        right = (test.y == 36).mean()
        assert task.floor_accuracy == pytest.approx(right)
        if task.variant == "paper":
            assert len(test) == 718 and test.y.min() == 0
        else:
            np.testing.assert_array_equal(test.y, validation.y)

    def test_few_shapes_and_little_padding(self, task):
        stream = task.train_data(16)
        shapes = {stream[i][0]["tokens"].shape for i in range(100)}
        assert shapes <= {(16, length) for length in task.padded_lengths}
        assert len(task.padded_lengths) <= 6
        assert task.padded_share(16) < 0.22
        fixed = task.validation_data(16)
        lengths = [fixed[i][0]["tokens"].shape[1] for i in range(46)]
        assert lengths == sorted(lengths, reverse=True)
        assert set(lengths) <= set(task.padded_lengths)

    def test_every_row_once_an_epoch(self, task):
        order = task.train_data(16, seed=1).order
        positions = range(order.pool_size)
        rows = np.concatenate([order.rows(place) for place in positions])
        assert len(np.unique(rows)) == len(rows) == 12_305 // 16 * 16


class TestForms:
    def test_paper(self, data_dir):
        task = Small(data_dir=data_dir)
        assert task.inputs["vocabulary_size"] == 26
        assert task.outputs == 1195
        assert (task.readout, task.padding_mask) == ("last_real", True)
        assert task.splits["test"] == "fold hold-out"
        assert task.learning_rate == 1e-4
        sequences, labels = made_up("valid")
        x, y = task.validation_examples()
        assert x["tokens"].dtype == y.dtype == "int32"
        for sequence, row, mask in zip(
            sequences, x["tokens"], x["padding_mask"], strict=True
        ):
            expected = [1 + LETTERS.index(letter) for letter in sequence[:32]]
            assert row[mask].tolist() == expected
            assert not row[~mask].any()
        assert y.tolist() == [-1, *labels[1:-1], -1]
        assert len(task.data("train")) == 38

    def test_code(self, data_dir):
        task = Small("code", data_dir)
        assert task.inputs["vocabulary_size"] == 30
        assert task.outputs == 1200
        assert (task.readout, task.padding_mask) == ("last", True)
        assert task.splits["test"] == "valid"
        sequences, _ = made_up("valid")
        x, y = task.test_examples()
        assert x["padding_mask"].all()
        for sequence, row in list(zip(sequences, x["tokens"], strict=True))[
            1:-1
        ]:
            letters = [5 + LETTERS.index(letter) for letter in sequence]
            assert row[: len(letters) + 2].tolist() == [2, *letters, 3]
            assert not row[len(letters) + 2 :].any()
        assert (y == -1).sum() == 2
        x, _ = task.train_data(4)[0]
        assert x["padding_mask"].all()

    def test_other_holdouts(self):
        task = RemoteHomology(test_split="test_family_holdout")
        assert task.num_test_examples == 1_272
        assert task.splits["test"] == "family hold-out"
        assert task.floor_accuracy is None

    def test_each_is_named(self):
        for variant in RemoteHomology.variants:
            task = RemoteHomology(variant)
            facts = task.describe(print_fn=lambda line: None)
            assert facts["train (train)"] == 12_305

    def test_environment_variable(self, data_dir, monkeypatch):
        monkeypatch.setenv("TAPE_DATA_DIR", str(data_dir))
        assert len(Small().data("train")) == 38

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"variant": "lra"}, "'paper', 'code'.*variant='lra'"),
            ({"test_split": "test"}, "test_fold_holdout.*test_split='test'"),
            (
                {"variant": "code", "test_split": "test_family_holdout"},
                "validation split.*test_split='test_family_holdout'",
            ),
        ],
    )
    def test_refusals(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            RemoteHomology(**arguments)

    @pytest.mark.parametrize("split", ["train", "validation", "test"])
    def test_a_file_with_too_few_rows(self, data_dir, split):
        name = Small().file_splits[split]
        path = data_dir / f"{name}.csv"
        path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:-1]))
        count = COUNTS[name]
        with pytest.raises(
            ValueError, match=f"{name} split has {count}.*Received {count - 1}"
        ):
            Small(data_dir=data_dir).data(split)


class TestFormats:
    @pytest.mark.parametrize(
        "write",
        [
            in_json,
            in_packed_json,
            in_csv,
            in_packed_csv,
            in_tarball,
            in_lmdb,
        ],
    )
    @pytest.mark.parametrize("read_only", [False, True])
    def test_reads_back_what_was_written(self, write, read_only, tmp_path):
        write(tmp_path)
        folders = [path for path in tmp_path.rglob("*") if path.is_dir()]
        before = sorted(tmp_path.rglob("*"))
        for folder in (tmp_path, *folders):
            folder.chmod(0o555 if read_only else 0o755)
        try:
            for split in COUNTS:
                sequences, labels = read_split(tmp_path, split)
                assert (sequences, labels.tolist()) == made_up(split)
                assert labels.dtype == "int32"
        finally:
            for folder in (tmp_path, *folders):
                folder.chmod(0o755)
        if write is not in_lmdb or read_only:
            assert sorted(tmp_path.rglob("*")) == before

    def test_a_tarball_by_its_own_name(self, tmp_path):
        in_tarball(tmp_path)
        sequences, _ = read_split(tmp_path / "remote_homology.tar.gz", "valid")
        assert sequences == made_up("valid")[0]

    def test_json_of_many_blocks(self, tmp_path, monkeypatch):
        monkeypatch.setattr("keras_fpt.tasks.tape_rows._BLOCK", 7)
        path = tmp_path / "remote_homology_valid.json"
        text = json.dumps(json.loads(as_json(records("valid"))), indent=2)
        path.write_text(f"\n {text} \n")
        sequences, labels = read_split(tmp_path, "valid")
        assert (sequences, labels.tolist()) == made_up("valid")

    def test_csv_as_other_programs_write_it(self, tmp_path):
        text = '\ufeffid,label,seq\r\n1,36,"MKV"\r\n\r\n2,0,A\r\n'
        (tmp_path / "valid.csv").write_text(text, encoding="utf-8", newline="")
        sequences, labels = read_split(tmp_path, "valid")
        assert (sequences, labels.tolist()) == (["MKV", "A"], [36, 0])

    @pytest.mark.parametrize("protocol", [3, 4])
    @pytest.mark.parametrize("module", [b"numpy.core", b"numpy._core"])
    def test_arrays_of_old_and_new_numpy(self, tmp_path, protocol, module):
        values = pickled(records("valid", np.array), protocol)
        if protocol == 3:  # from 4 on, a length stands before each name
            for key, value in values.items():
                for name in (b"numpy._core", b"numpy.core"):
                    value = value.replace(name + b".multi", module + b".multi")
                values[key] = value
        write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
        sequences, _ = read_split(tmp_path, "valid")
        assert sequences == made_up("valid")[0]

    def test_without_the_package_lmdb(self, tmp_path, monkeypatch):
        (tmp_path / "remote_homology_valid.lmdb").mkdir()
        monkeypatch.setitem(sys.modules, "lmdb", None)
        with pytest.raises(ValueError, match=r"pip install keras-fpt\[lmdb\]"):
            read_split(tmp_path, "valid")

    @pytest.mark.parametrize("folder", [None, "absent", "."])
    def test_missing_data(self, folder, tmp_path, monkeypatch):
        monkeypatch.delenv("TAPE_DATA_DIR", raising=False)
        folder = folder and tmp_path / folder
        message = (
            "remote_homology_train.json.*train.csv.gz.*train.lmdb.*"
            "curl -O http://s3.amazonaws.com/songlabdata/.*remote_homology.tar"
            ".gz.*data_dir.*TAPE_DATA_DIR"
        )
        with pytest.raises(FileNotFoundError, match=message) as error:
            Small(data_dir=folder).train_data(4)
        assert "\n" not in str(error.value)

    def test_a_tarball_without_the_split(self, tmp_path):
        path = tmp_path / "remote_homology.tar.gz"
        write_tarball(path, {"remote_homology/notes.txt": b"none"})
        with pytest.raises(FileNotFoundError, match="no valid split"):
            read_split(tmp_path, "valid")

    def test_a_tarball_of_lmdb(self, tmp_path):
        name = "remote_homology/remote_homology_valid.lmdb/data.mdb"
        write_tarball(tmp_path / "remote_homology.tar.gz", {name: b"x"})
        with pytest.raises(ValueError, match="tar -xzf remote_homology.tar.gz"):
            read_split(tmp_path, "valid")


GOOD = {"primary": "MKV", "fold_label": 1}
MALFORMED_CSV = [
    ("seq,fold\nMKV,1\n", "line 1: expected the columns seq and label"),
    ("seq,label\nMKV,1\nMKV\n", "line 3: expected 2 columns. Received 1"),
    ("seq,label\nMKV,1\n,2\n", "line 3: expected a sequence.*''"),
    ("seq,label\nMKV,1\nMKJV,2\n", "line 3: .*'J' at position 3"),
    ("seq,label\nMkv,1\n", "line 2: .*'k' at position 2.*capitals"),
    ("seq,label\nMKé,1\n", "line 2: .*'é' at position 3"),
    ("seq,label\nMKV,one\n", "line 2: .*0 to 1194. Received: 'one'"),
    ("seq,label\nMKV,1.0\n", "line 2: .*Received: '1.0'"),
    ("seq,label\nMKV,-1\n", "line 2: .*Received: '-1'"),
    ("seq,label\nMKV,1195\n", "line 2: .*Received: 1195"),
    ('seq,label\n"MKV,1\n', "line 2: no CSV"),
    ("", "empty"),
]
MALFORMED_RECORDS = [
    ({"fold_label": 1}, "expected an object with primary"),
    ({"primary": "MKV"}, "expected an object with fold_label"),
    (["MKV", 1], "expected an object with primary and fold_label"),
    ({**GOOD, "primary": ""}, "expected a sequence"),
    ({**GOOD, "primary": ["M"]}, "expected a sequence.*'M'"),
    ({**GOOD, "primary": "M-V"}, "'-' at position 2"),
    ({**GOOD, "fold_label": 1195}, "0 to 1194. Received: 1195"),
    ({**GOOD, "fold_label": -1}, "Received: -1"),
    ({**GOOD, "fold_label": 1.5}, "Received: 1.5"),
    ({**GOOD, "fold_label": True}, "Received: True"),
    ({**GOOD, "fold_label": "1"}, "Received: '1'"),
    ({**GOOD, "fold_label": None}, "Received: None"),
]


def refused(folder, match):
    with pytest.raises(ValueError, match=match) as error:
        read_split(folder, "valid")
    assert "\n" not in str(error.value)


class TestMalformed:
    @pytest.mark.parametrize("text, message", MALFORMED_CSV)
    def test_csv(self, text, message, tmp_path):
        (tmp_path / "valid.csv").write_text(text, encoding="utf-8")
        refused(tmp_path, f"valid.csv.*{message}")

    @pytest.mark.parametrize("record, message", MALFORMED_RECORDS)
    def test_json_and_lmdb(self, record, message, tmp_path):
        rows = [GOOD, record]
        path = tmp_path / "remote_homology_valid.json"
        path.write_text(json.dumps(rows))
        refused(tmp_path, rf"valid.json, record 1 \(from 0\).*{message}")
        path.unlink()
        write_lmdb(path.with_suffix(".lmdb"), pickled(rows))
        refused(tmp_path, f"valid.lmdb, record 1.*{message}")

    @pytest.mark.parametrize(
        "text, message",
        [
            ("", "record 0.* is cut or no JSON .it is empty"),
            ("[]", "record 0.* is cut or no JSON"),
            ("{}", r"record 0.*expected '\['.*'{}'"),
            ("[%s", "record 1.* is cut or no JSON .the list does not end"),
            ("[%s, ", "record 1.* is cut or no JSON"),
            ('[%s, {"primary": "MK', "record 1.* is cut or no JSON"),
            ("[%s %s]", "record 1.*expected ','"),
            ("[%s] %s", "text follows"),
            ("[%s, " + 10**5 * "[", "record 1.*nested too deep"),
        ],
    )
    def test_json_text(self, text, message, tmp_path):
        text = text.replace("%s", json.dumps(GOOD))
        (tmp_path / "remote_homology_valid.json").write_text(text)
        refused(tmp_path, f"valid.json.*{message}")

    def test_a_missing_record_of_lmdb(self, tmp_path):
        values = pickled([GOOD, GOOD])
        del values["1"]
        write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
        refused(tmp_path, "record 1 is missing")

    @pytest.mark.parametrize(
        "write, share",
        [
            *((in_packed_json, share) for share in (0.0, 0.5, 0.999)),
            *((in_packed_csv, share) for share in (0.0, 0.5, 0.999)),
            # Cut behind the split, a tarball gives it all the same.
            *((in_tarball, share) for share in (0.0, 0.01, 0.5)),
            *((in_lmdb, share) for share in (0.0, 0.5, 0.999)),
        ],
    )
    def test_cut_files(self, write, share, tmp_path):
        write(tmp_path)
        for path in list(tmp_path.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                path.write_bytes(content[: int(share * len(content))])
        message = "cut or damaged: fetch it again"
        if share == 0 and "packed" in write.__name__:
            message = "empty"  # gzip takes no bytes for none packed
        refused(tmp_path, message)

    @pytest.mark.parametrize("write", [in_packed_json, in_packed_csv])
    def test_a_wrong_checksum(self, write, tmp_path):
        write(tmp_path)
        for path in tmp_path.rglob("*.gz"):
            content = bytearray(path.read_bytes())
            content[-8] ^= 1
            path.write_bytes(content)
        refused(tmp_path, "valid.*cut or damaged: fetch it again")

    @pytest.mark.parametrize(
        "name", ["remote_homology_valid.json.gz", "remote_homology.tar.gz"]
    )
    def test_what_is_no_archive(self, name, tmp_path):
        (tmp_path / name).write_text("<html>Not found</html>")
        refused(tmp_path, f"{name} is cut or damaged: fetch it again")


class Calls:
    """Pickles as a call, which reading the pickle naively would run."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class TestHostilePickles:
    @pytest.mark.parametrize("key", ["num_examples", "0"])
    @pytest.mark.parametrize("protocol", [0, 2, 4, 5])
    @pytest.mark.parametrize(
        "function, argument",
        [
            (os.system, "touch '{}'"),
            (eval, "open(r'{}', 'w')"),
            (np.savez, "{}"),
            (np.asarray, "{}"),
        ],
    )
    def test_nothing_runs(self, function, argument, key, protocol, tmp_path):
        mark = tmp_path / "mark.npz"
        call = Calls(function, argument.format(mark))
        bomb = pickle.dumps({**GOOD, "evolutionary": call}, protocol)
        try:
            pickle.loads(bomb)
            # Read naively, it does leave a mark: the test can fail.
            assert mark.exists() or function is np.asarray
            mark.unlink(missing_ok=True)
            values = {**pickled([GOOD]), key: bomb}
            write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
            name = function.__name__
            refused(tmp_path, f"record {key} is refused.*{name}.*not run")
            assert not mark.exists()
        finally:
            mark.unlink(missing_ok=True)

    def test_no_array_is_made(self, tmp_path):
        endless = Calls(np.ndarray, (2**62,), "u1")
        with pytest.raises((ValueError, MemoryError)):
            pickle.loads(pickle.dumps(endless))
        values = pickled([{**GOOD, "evolutionary": endless}])
        write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
        assert read_split(tmp_path, "valid")[0] == ["MKV"]

    @pytest.mark.parametrize(
        "value", [b"", b"no pickle", b"\x80\x04N", b"\x80\x04\x8c\xff"]
    )
    def test_damaged_pickles(self, value, tmp_path):
        values = {**pickled([GOOD]), "0": value}
        if not value:  # LMDB keeps no key for it on every version
            values["0"] = b"\x80"
        write_lmdb(tmp_path / "remote_homology_valid.lmdb", values)
        refused(tmp_path, "record 0 is refused")


class TestWithModels:
    @pytest.fixture
    def backbone(self):
        return make_backbone(num_layers=1)

    def model(self, backbone, task):
        model = keras_fpt.FrozenPretrainedTransformer(backbone, task=task)
        model.compile(**task.compile_args())
        return model

    def test_evaluation_counts_what_is_too_long_as_wrong(
        self, backbone, data_dir
    ):
        task = Small(data_dir=data_dir)
        model = self.model(backbone, task)
        x, y = task.test_examples()
        logits = model.predict(x, verbose=0)
        # Labels as the model answers, but for those that are too long.
        fits = y >= 0
        sequences, labels = made_up("test_fold_holdout")
        answers = np.where(np.arange(len(y)) % 3, logits.argmax(-1), labels)
        rows = zip(sequences, answers, strict=True)
        lines = ["seq,label", *(f"{seq},{label}" for seq, label in rows)]
        (data_dir / "test_fold_holdout.csv").write_text("\n".join(lines))

        task = Small(data_dir=data_dir)
        x, y = task.test_examples()
        expected = (logits.argmax(-1) == y).mean()
        assert fits.sum() == len(y) - 2 and 0 < expected <= 14 / 16
        data = task.test_data(8)
        result = model.evaluate(data, verbose=0, return_dict=True)
        assert result["accuracy"] == pytest.approx(expected)
        peak = logits.max(-1)
        total = np.log(np.exp(logits - peak[:, None]).sum(-1)) + peak
        losses = total - logits[np.arange(len(y)), y]
        batches = [data.order.rows(index) for index in range(2)]
        means = [losses[rows][fits[rows]].mean() for rows in batches]
        assert result["loss"] == pytest.approx(np.mean(means), rel=1e-4)

    def test_what_is_too_long_trains_nothing(self, backbone, data_dir):
        task = Small(data_dir=data_dir)
        x, y = task.validation_examples()
        model = self.model(backbone, task)
        model.compile("sgd", task.compile_args()["loss"])
        before = [np.array(value) for value in model.get_weights()]

        def step(rows):
            """The loss on some rows, and the values after one step."""
            model.set_weights(before)
            batch = {name: array[rows] for name, array in x.items()}
            model.reset_metrics()
            logs = model.train_on_batch(batch, y[rows], return_dict=True)
            loss = float(logs["loss"])
            return loss, [np.array(value) for value in model.get_weights()]

        assert np.flatnonzero(y < 0).tolist() == [0, 11]
        loss, after = step([0, 11, 0, 11])
        assert loss == 0
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(old, new)
        # A mixed batch has the loss and the step of its other rows.
        mixed, one = step([0, 1, 2, 11])
        alone, other = step([1, 2, 1, 2])
        assert mixed == pytest.approx(alone, rel=1e-5)
        for a, b in zip(one, other, strict=True):
            assert np.isfinite(a).all()
            np.testing.assert_allclose(a, b, atol=1e-5)
        assert any((a != b).any() for a, b in zip(one, before, strict=True))

    def test_more_padding_changes_nothing(self, backbone, data_dir):
        task = Small(data_dir=data_dir)
        model = self.model(backbone, task)
        data = task.data("train")
        rows = np.flatnonzero(data.lengths <= 16)
        short, _ = task.examples_at("train", rows)
        assert short["tokens"].shape[1] == 16
        longest = data.lengths.argmax()
        long, _ = task.examples_at("train", np.append(rows, longest))
        assert long["tokens"].shape[1] == 32
        one = model.predict(short, verbose=0)
        two = model.predict(long, verbose=0)
        np.testing.assert_allclose(one, two[:-1], atol=1e-5)

    def test_trains_and_evaluates(self, backbone, data_dir):
        task = Small(data_dir=data_dir)
        model = self.model(backbone, task)
        history = model.fit(
            task.train_data(4),
            steps_per_epoch=4,
            validation_data=task.validation_data(),
            shuffle=False,
            verbose=0,
        ).history
        assert np.isfinite(history["loss"]).all()
        assert np.isfinite(history["val_loss"]).all()
        assert history["val_accuracy"][0] <= 10 / 12

    def test_code_reads_out_the_padded_end(self, backbone, data_dir):
        task = Small("code", data_dir)
        model = self.model(backbone, task)
        short, _ = task.examples_at("train", task.data("train").lengths < 17)
        far = {
            "tokens": np.pad(short["tokens"], ((0, 0), (0, 16))),
            "padding_mask": np.ones((len(short["tokens"]), 32), bool),
        }
        one = model.predict(short, verbose=0)
        two = model.predict(far, verbose=0)
        assert one.shape == two.shape == (len(one), 1200)
        assert (np.abs(one - two).max(axis=1) > 1e-3).all()


def test_recipe_is_the_originals():
    arguments = RemoteHomology().compile_args()
    adam = arguments["optimizer"]
    rate = keras.ops.convert_to_numpy(adam.learning_rate)
    assert float(rate) == pytest.approx(1e-4)
    assert adam.global_clipnorm == 1.0
    rate = RemoteHomology().compile_args(1e-3)["optimizer"].learning_rate
    assert float(keras.ops.convert_to_numpy(rate)) == pytest.approx(1e-3)
