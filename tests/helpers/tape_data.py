"""TAPE's files in small, written in each of its formats."""

import csv
import gzip
import io
import json
import pickle
import tarfile

import numpy as np
import pytest

from keras_fpt.tasks.remote_homology import RemoteHomology
from keras_fpt.tasks.tape_files import read_split

LETTERS = "ABCDEFGHIKLMNOPQRSTUVWXYZ"
GOOD = {"primary": "MKV", "fold_label": 1}
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
    (path / "lock.mdb").unlink()


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


def refused(folder, match):
    with pytest.raises(ValueError, match=match) as error:
        read_split(folder, "valid")
    assert "\n" not in str(error.value)
