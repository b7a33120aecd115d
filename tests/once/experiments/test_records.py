"""Records: written whole, read back, refused, and left alone."""

import json

import pytest
from helpers.processes import ROOT
from helpers.records import ONE
from helpers.records import make_record

from keras_fpt import tasks
from keras_fpt.experiments import records
from keras_fpt.experiments.records import Records


def test_written_and_read(tmp_path):
    record = make_record(ONE)
    path = records.write(record, tmp_path)
    assert path == records.path_of(ONE, tmp_path)
    assert records.read(path) == record
    assert records.read_all(tmp_path) == {ONE.key: record}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    with pytest.raises(ValueError, match="There is a record"):
        records.write(record, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 3}, "schema=3"),
        ({"key": "0" * 16}, "does not belong to its experiment"),
        ({"seconds": "3"}, "'seconds'.*'3'"),
        ({"mood": 1}, "unknown: 'mood'"),
        ({"history": [{"step": 1}]}, "validation"),
    ],
)
def test_what_is_no_record_is_refused(change, message, tmp_path):
    record = make_record(ONE, **change)
    with pytest.raises(ValueError, match=message):
        records.write(record, tmp_path)
    records.path_of(ONE, tmp_path).write_text(json.dumps(record))
    with pytest.raises(ValueError, match=message):
        records.read_all(tmp_path)


def test_a_missing_field_and_a_cut_file(tmp_path):
    record = make_record(ONE)
    del record["backend"]
    with pytest.raises(ValueError, match="missing: 'backend'"):
        records.check(record)
    path = records.path_of(ONE, tmp_path)
    path.write_text(json.dumps(make_record(ONE))[:100])
    with pytest.raises(ValueError, match="is no JSON"):
        records.read(path)


def test_two_records_of_one_experiment(tmp_path):
    path = records.write(make_record(ONE), tmp_path)
    (tmp_path / "copy.json").write_text(path.read_text())
    with pytest.raises(ValueError, match="Two records .*delete"):
        records.read_all(tmp_path)


def test_a_change_makes_records_stale(tmp_path, monkeypatch):
    record = make_record(ONE)
    records.write(record, tmp_path)
    assert not records.is_stale(record)
    monkeypatch.setattr(tasks.BitXor, "version", 2)
    assert records.is_stale(record)
    assert ONE.key not in records.read_all(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written.*another folder"):
        records.write(make_record(ONE), tmp_path / "file" / "runs")


def test_records_of_schema_1_are_read():
    """Those of the tables: accuracy only, no size of the test set."""
    folder = ROOT / "tables" / "results" / "runs"
    path = next(iter(sorted(folder.glob("*.json"))))
    old = json.loads(path.read_text())
    assert old["schema"] == 1
    record = records.read(path)
    assert record["metric"] == "accuracy" and record["test_size"] is None
    for ours, theirs in zip(record["history"], old["history"], strict=True):
        assert ours["training"] == theirs["accuracy"]
        assert ours["validation"] == theirs["validation"]


def test_a_record_of_somebodys_own_disturbs_nothing(tmp_path):
    config = {**ONE.config(), "task": "waves", "model": "my_tcn"}
    versions = {"task": 3, "model": 7}
    own = make_record(
        ONE,
        experiment=json.loads(json.dumps(config)),
        versions=versions,
        key=records.key_of(config, versions),
    )
    records.write(own, tmp_path)
    records.write(make_record(ONE), tmp_path)
    found = Records.read(tmp_path)
    assert (found.count, found.stale) == (2, 0)
    assert [record["key"] for record in found.of(ONE)] == [ONE.key]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "broken.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(ValueError, match="broken.json is no JSON"):
        records.read_all(tmp_path)
