"""The command `keras-fpt compare`: files that it reads, what it refuses."""

import subprocess

import numpy as np
import pytest
from helpers.processes import command_of
from helpers.processes import environment_of

from keras_fpt.experiments import compare
from keras_fpt.experiments.compare_cli import read_data
from keras_fpt.experiments.compare_cli import run

X = np.random.default_rng(0).normal(size=(8, 5, 2))
Y = np.arange(8) % 2
MASK = np.ones((8, 5), bool)


def test_arrays_of_a_file(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=X, y=Y)
    x, y = read_data(path, "label")
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    np.savez(path, x=X, y=Y, padding_mask=MASK)
    x, _ = read_data(path, "label")
    assert set(x) == {"tokens", "padding_mask"}


def test_splits_of_a_file(tmp_path):
    path = tmp_path / "data.npz"
    arrays = {"x": X, "y": Y, "x_test": X[:3], "y_test": Y[:3]}
    np.savez(path, **arrays, x_validation=X[3:], y_validation=Y[3:])
    train, validation, test = read_data(path, "label")
    assert [len(each[1]) for each in (train, validation, test)] == [8, 5, 3]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="no array 'x_validation'.*x_test"):
        read_data(path, "label")


def test_a_table_of_numbers(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b,kind,c\n1,2,cat,3\n4,5,dog,6.5\n")
    x, y = read_data(path, "kind")
    assert x.shape == (2, 3, 1) and y.tolist() == ["cat", "dog"]
    assert x[1, :, 0].tolist() == [4, 5, 6.5]
    with pytest.raises(ValueError, match="no column 'label'.*a, b, kind, c"):
        read_data(path, "label")
    with pytest.raises(ValueError, match="numbers.*'kind'"):
        read_data(path, "a")


def test_arguments_reach_compare(monkeypatch, capsys, tmp_path):
    seen = {}

    def fake(data, **arguments):
        seen.update(arguments, data=data)
        return "the answer"

    monkeypatch.setattr(compare, "compare", fake)
    run(
        [
            *("compare", "--task", "bit_xor", "--seeds", "2", "--steps", "7"),
            *("--learning-rates", "0.1", "0.2", "--examples", "50", "200"),
            *("--rows", "random", "lstm", "--no-normalize"),
            *("--results", str(tmp_path)),
        ]
    )
    assert capsys.readouterr().out.strip() == "the answer"
    assert seen["data"] == "bit_xor" and seen["rows"] == ["random", "lstm"]
    assert (seen["seeds"], seen["steps"]) == (2, 7)
    assert seen["learning_rates"] == [0.1, 0.2]
    assert seen["examples"] == [50, 200, None]
    assert seen["normalize"] is False and seen["results_dir"] == tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare"], "give a file of data, or --task"),
        (["compare", "a.npz", "--task", "bit_xor"], "give a file"),
        (["compare", "a.txt"], "Expected a .npz or .csv file"),
        (["compare", "nothing.npz"], "no file 'nothing.npz'"),
        (["compare", "--task", "bits"], "Unknown task 'bits'"),
        (["compare", "--task", "bit_xor", "--rows", "mine"], "No row is named"),
        ([], "required: command"),
    ],
)
def test_refusals_are_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        run(arguments)
    said = f"{end.value.code}{capsys.readouterr().err}"
    assert message in said and "Traceback" not in said


# The command, and a line in a file for each run that this process trains.
NOTED = """
import sys
from keras_fpt.experiments import compare_cli, runner

noted, train = sys.argv.pop(1), runner._train

def note(experiments, *arguments):
    with open(noted, "a") as file:
        file.writelines(f"{each.key}\\n" for each in experiments)
    return train(experiments, *arguments)

runner._train = note
compare_cli.run()
"""


def test_two_processes_share_the_runs_of_one_folder(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.tile(X, (8, 1, 1)), y=np.tile(Y, 8))
    arguments = (
        *(tmp_path / "trained", "compare", tmp_path / "data.npz"),
        *("--rows", "no_trunk", "--learning-rates", "0.01", "0.1"),
        *("--seeds", "4", "--steps", "2", "--batch-size", "4"),
        *("--results", tmp_path / "runs"),
    )
    processes = [
        subprocess.Popen(
            command_of(NOTED, arguments),
            env=environment_of(None, {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors[-3000:]
    trained = (tmp_path / "trained").read_text().split()
    assert len(trained) == len(set(trained)) == 8
    assert len(list((tmp_path / "runs").rglob("*.json"))) == 8
