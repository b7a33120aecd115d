"""Records: written whole, read back, refused, and left alone."""

import json

import pytest
from helpers.processes import ROOT
from helpers.records import ONE
from helpers.records import make_record

from keras_fpt import tasks
from keras_fpt.experiments import records
from keras_fpt.experiments.experiment import options
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
        ({"schema": 4}, "schema=4"),
        ({"key": "0" * 16}, "does not belong to its experiment"),
        ({"seconds": "3"}, "'seconds'.*'3'"),
        ({"mood": 1}, "unknown: 'mood'"),
        ({"trunk": {"pretrained_sha256": "0"}}, "does not belong"),
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


FORMER = {"task": 1, "model": 1}


def former_record(experiment, versions=FORMER, **changes):
    """A record of before the training had a version."""
    key = records.key_of(experiment.config(), versions)
    return make_record(experiment, versions=versions, key=key, **changes)


def test_records_of_the_former_optimizer_count_until_there_are_others(tmp_path):
    former = former_record(ONE)
    assert records.is_former(former) and not records.is_stale(former)
    records.write(former, tmp_path)
    found = Records.read(tmp_path)
    assert (found.count, found.stale, found.former) == (1, 0, 1)
    assert found.of(ONE) == [former]
    # Of another seed: no mean is of both.
    records.write(make_record(ONE.replace(seed=2)), tmp_path)
    (only,) = Records.read(tmp_path).of(ONE)
    assert only["experiment"]["seed"] == 2 and not records.is_former(only)


def test_options_that_were_defaults_are_those_of_the_record(tmp_path):
    """An LSTM of version 1 had the original's norms without naming them."""
    old = ONE.replace(model="lstm", model_options=options(hidden_dim=8))
    records.write(former_record(old), tmp_path)
    found = Records.read(tmp_path)
    assert (found.stale, found.former) == (0, 1)
    named = options(hidden_dim=8, layernorm_init="original")
    assert len(found.of(old.replace(model_options=named))) == 1
    assert not found.of(old)
    # What version 1 of this one read out is not known any more.
    gone = ONE.replace(model="no_trunk", model_options=options(hidden_dim=8))
    records.write(former_record(gone), tmp_path)
    assert Records.read(tmp_path).stale == 1


def test_every_record_of_the_tables_counts():
    found = Records.read(ROOT / "tables" / "results" / "runs")
    assert found.count >= 136 and found.stale == 0


def on(trunk, experiment=ONE, **changes):
    """The experiment on a trunk, and its record."""
    experiment = experiment.replace(trunk_sha256=trunk, **changes)
    what = {
        "description": "a trunk",
        "pretrained_sha256": trunk,
        "frozen_sha256": "f" * 64,
    }
    return experiment, make_record(experiment, trunk=what)


def test_a_record_belongs_to_the_weights_that_it_was_trained_on(tmp_path):
    one, record = on("a" * 64)
    path = records.write(record, tmp_path)
    assert records.find(one, tmp_path) == path
    assert records.find(one.replace(trunk_sha256="b" * 64), tmp_path) is None
    # Nothing is known of the weights here: the name has to do.
    assert records.find(ONE, tmp_path) == path
    assert records.find(ONE.replace(seed=5), tmp_path) is None
    other, second = on("b" * 64, seed=2)
    records.write(second, tmp_path)
    found = Records.read(tmp_path)
    assert found.of(one) == [record] and found.of(other) == [second]
    with pytest.raises(ValueError, match="2 presets of one name"):
        found.of(ONE)
