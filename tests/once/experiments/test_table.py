"""Tables: cells, seeds first, and names that are unique."""

import pytest

from keras_fpt import tasks
from keras_fpt.experiments import Recipe
from keras_fpt.experiments import Row
from keras_fpt.experiments import Scale
from keras_fpt.experiments import Table

ROWS = (Row.lstm("LSTM"), Row.quoted("Theirs", "from elsewhere"))
SCALE = Scale("small", Recipe(10, 5, 2), sweep=(1e-3, 1e-2))


def test_the_first_seed_of_all_comes_first():
    table = Table("mine", "title", ROWS, ("bit_xor", tasks.BitMemory()))
    cells = list(table.cells(SCALE, seeds=2))
    assert [cell.task for cell in cells[:2]] == ["bit_xor", "bit_memory"]
    seeds = [c.experiment.seed for c in cells if c.experiment is not None]
    assert seeds == [0, 0, 1, 1]
    assert [c.row.name for c in cells if c.experiment is None] == 4 * ["Theirs"]
    swept = list(table.cells(SCALE, 1, sweep=True, rows=["LSTM"]))
    assert {c.experiment.learning_rate for c in swept} == {1e-3, 1e-2}
    assert len(list(table.cells(SCALE, 1, tasks=["bit_memory"]))) == 2


@pytest.mark.parametrize(
    ("rows", "names", "message"),
    [
        ((*ROWS, Row.lstm("LSTM")), ("bit_xor",), "row.*LSTM"),
        (ROWS, ("bit_xor", tasks.BitXor()), "task.*bit_xor"),
    ],
)
def test_names_are_unique(rows, names, message):
    with pytest.raises(ValueError, match=message):
        Table("mine", "title", rows, names)
