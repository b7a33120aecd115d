"""Experiments and their records: names that last, and refusals."""

import json

import experiment
import pytest
import records
from experiment import Experiment
from experiment import options
from helpers.records import ONE
from helpers.records import make_record
from scales import SCALES


class TestKeys:
    def test_a_key_is_the_same_everywhere(self):
        assert ONE.key == "60b3f06c9b8f4e8b"
        again = Experiment.from_config(json.loads(json.dumps(ONE.config())))
        assert again == ONE and again.key == ONE.key
        turned = ONE.with_(model_options=tuple(reversed(ONE.model_options)))
        assert turned == ONE and hash(turned) == hash(ONE)

    def test_whatever_changes_changes_the_key(self, monkeypatch):
        changes = {
            "task": "bit_memory",
            "model": "lstm",
            "steps": 21,
            "evaluate_every": 5,
            "learning_rate": 1e-4,
            "scale": "paper",
            "task_options": (),
            "model_options": options(preset="gpt2_tiny_en"),
            "batch_size": 8,
            "num_validation": 100,
            "patience": 3,
            "seed": 2,
        }
        assert set(changes) == set(ONE.config())
        keys = [ONE.with_(**{k: v}).key for k, v in changes.items()]
        assert len({ONE.key, *keys}) == len(changes) + 1
        for versions in ("TASK_VERSIONS", "MODEL_VERSIONS"):
            before = ONE.key
            raised = {k: 2 for k in getattr(experiment, versions)}
            with monkeypatch.context() as patch:
                patch.setattr(experiment, versions, raised)
                assert ONE.key != before

    @pytest.mark.parametrize(
        ("field", "value"), [("task", "bits"), ("model", "rnn")]
    )
    def test_unknown_names_are_refused(self, field, value):
        with pytest.raises(ValueError, match=f"{field}='{value}'"):
            ONE.with_(**{field: value})


class TestRecords:
    def test_written_and_read(self, tmp_path):
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
            ({"schema": 2}, "schema=2"),
            ({"key": "0" * 16}, "not that of its experiment"),
            ({"seconds": "3"}, "'seconds'.*'3'"),
            ({"mood": 1}, "unknown: 'mood'"),
            ({"history": [{"step": 1}]}, "validation"),
        ],
    )
    def test_what_is_no_record_is_refused(self, change, message, tmp_path):
        record = make_record(ONE, **change)
        with pytest.raises(ValueError, match=message):
            records.write(record, tmp_path)
        records.path_of(ONE, tmp_path).write_text(json.dumps(record))
        with pytest.raises(ValueError, match=message):
            records.read_all(tmp_path)

    def test_a_missing_field_and_a_cut_file(self, tmp_path):
        record = make_record(ONE)
        del record["backend"]
        with pytest.raises(ValueError, match="missing: 'backend'"):
            records.check(record)
        path = records.path_of(ONE, tmp_path)
        path.write_text(json.dumps(make_record(ONE))[:100])
        with pytest.raises(ValueError, match="is no JSON"):
            records.read(path)

    def test_two_records_of_one_experiment(self, tmp_path):
        path = records.write(make_record(ONE), tmp_path)
        (tmp_path / "copy.json").write_text(path.read_text())
        with pytest.raises(ValueError, match="Two records .*delete"):
            records.read_all(tmp_path)

    def test_a_change_makes_records_stale(self, tmp_path, monkeypatch):
        record = make_record(ONE)
        records.write(record, tmp_path)
        assert not records.is_stale(record)
        changed = {**experiment.MODEL_VERSIONS, "fpt": 2}
        monkeypatch.setattr(experiment, "MODEL_VERSIONS", changed)
        assert records.is_stale(record)
        assert ONE.key not in records.read_all(tmp_path)

    def test_a_folder_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(ValueError, match="cannot be written.*--results"):
            records.write(make_record(ONE), tmp_path / "file" / "runs")


class TestScales:
    def test_sizes_change_and_the_protocol_does_not(self):
        for model, rate in (("fpt", 1e-3), ("lstm", 3e-4)):
            arguments = options(num_layers=3)
            paper, small = (
                SCALES[name].experiment("mnist", model, arguments, seed=2)
                for name in ("paper", "cpu")
            )
            assert paper.learning_rate == small.learning_rate == rate
            assert (paper.seed, small.seed) == (2, 2)
            assert paper.patience is small.patience is None
            assert paper.steps > 10 * small.steps
        assert dict(small.model_options)["hidden_dim"] == 256
        homology = SCALES["paper"].experiment("remote_homology", "fpt", ())
        assert homology.learning_rate == 1e-4

    def test_models_that_a_scale_has_not(self):
        small = SCALES["cpu"]
        large = options(preset="gpt2_large_en")
        assert small.experiment("mnist", "fpt", large) is None
        assert small.experiment("mnist", "lstm", options(num_layers=5)) is None
