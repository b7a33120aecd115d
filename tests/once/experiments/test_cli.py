"""The command line of tables: own rows and tasks, lists, refusals."""

import pytest

from keras_fpt import tasks
from keras_fpt.experiments import Recipe
from keras_fpt.experiments import Row
from keras_fpt.experiments import Scale
from keras_fpt.experiments import Table
from keras_fpt.experiments import main
from keras_fpt.experiments import runner
from keras_fpt.experiments.recipe import SWEEP


class Signs(tasks.Task):
    inputs, outputs = (4, 2), 2

    def sample(self, rng, batch_size):
        x = rng.normal(size=(batch_size, 4, 2)).astype("float32")
        return x, (x[:, 0, 0] > 0).astype("int32")


def build(task, seed, width=4):
    raise AssertionError("a list builds nothing")


ROWS = (
    Row.of_model("Mine", build, width=8),
    Row.lstm("LSTM", hidden_dim=8),
    Row.quoted("Theirs", "from elsewhere"),
)
TABLE = Table("mine", "a table of my own", ROWS, (Signs(), "bit_xor"))
SCALE = Scale("small", Recipe(steps=4, evaluate_every=2, batch_size=4))


def listed(capsys, tmp_path, *arguments):
    main(TABLE, SCALE, ["--list", "--results", str(tmp_path), *arguments])
    return capsys.readouterr().out.splitlines()


def test_runs_of_own_rows_and_tasks_are_listed(capsys, tmp_path):
    lines = listed(capsys, tmp_path, "--seeds", "2")
    assert len(lines) == 2 * 3 * 2
    assert sum("missing" in line for line in lines) == 8
    assert sum("from elsewhere" in line for line in lines) == 4
    assert "Mine, signs: Mine(width=8)" in lines[0]
    keys = {line.split()[0] for line in lines} - {"-"}
    assert len(keys) == 8
    some = listed(capsys, tmp_path, "--seeds", "1", "--tasks", "signs")
    assert len(some) == 3
    swept = listed(
        capsys, tmp_path, "--seeds", "1", "--rows", "LSTM", "--sweep"
    )
    assert len(swept) == 2 * len(SWEEP)


def test_what_is_left_is_said(capsys, tmp_path, monkeypatch):
    """And what has a record is not run again."""

    def run(group, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", run)
    arguments = ["--rows", "LSTM", "--seeds", "1", "--results", str(tmp_path)]
    with pytest.raises(KeyboardInterrupt):
        main(TABLE, SCALE, arguments)
    ended = [{"test_at_best": 0.5}]
    monkeypatch.setattr(runner, "run", lambda *_: ended)
    main(TABLE, SCALE, arguments)
    assert "| LSTM | – | – |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "Yours"], "no row is named"),
        (["--replicas", "0"], "--replicas is at least 1"),
        (["--scale", "large"], "invalid choice"),
        (["other"], "invalid choice"),
    ],
)
def test_refusals(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(TABLE, SCALE, arguments)
    assert message in capsys.readouterr().err
