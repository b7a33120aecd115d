"""Rows of remote homology: as JSON and CSV write them, and malformed."""

import json

import pytest
from helpers.tape_data import GOOD
from helpers.tape_data import as_json
from helpers.tape_data import made_up
from helpers.tape_data import pickled
from helpers.tape_data import records
from helpers.tape_data import refused
from helpers.tape_data import write_lmdb

from keras_fpt.tasks.tape_files import read_split

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


def test_json_of_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_fpt.tasks.tape_rows._BLOCK", 7)
    path = tmp_path / "remote_homology_valid.json"
    text = json.dumps(json.loads(as_json(records("valid"))), indent=2)
    path.write_text(f"\n {text} \n")
    sequences, labels = read_split(tmp_path, "valid")
    assert (sequences, labels.tolist()) == made_up("valid")


def test_csv_as_other_programs_write_it(tmp_path):
    text = '\ufeffid,label,seq\r\n1,36,"MKV"\r\n\r\n2,0,A\r\n'
    (tmp_path / "valid.csv").write_text(text, encoding="utf-8", newline="")
    sequences, labels = read_split(tmp_path, "valid")
    assert (sequences, labels.tolist()) == (["MKV", "A"], [36, 0])


@pytest.mark.parametrize("text, message", MALFORMED_CSV)
def test_csv(text, message, tmp_path):
    (tmp_path / "valid.csv").write_text(text, encoding="utf-8")
    refused(tmp_path, f"valid.csv.*{message}")


@pytest.mark.parametrize("record, message", MALFORMED_RECORDS)
def test_json_and_lmdb(record, message, tmp_path):
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
def test_json_text(text, message, tmp_path):
    text = text.replace("%s", json.dumps(GOOD))
    (tmp_path / "remote_homology_valid.json").write_text(text)
    refused(tmp_path, f"valid.json.*{message}")
