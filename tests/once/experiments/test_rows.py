"""Rows: names, and the models that stand for them."""

from keras_fpt.experiments import Model
from keras_fpt.experiments import Row


def build(task, seed, width):
    return width


def test_each_kind_has_its_model_and_options():
    assert Row.fpt("FPT").model_options == (("preset", "gpt2_base_en"),)
    random = Row.random("Random", preset="mine", num_layers=2)
    assert dict(random.model_options) == {
        "preset": "mine",
        "initialization": "random",
        "num_layers": 2,
    }
    assert Row.lstm("LSTM").model == "lstm"
    assert Row.baseline("Full", "transformer").model_name == "transformer"
    own = Row.of_model("Mine", build, version=3, width=4)
    assert own.model == Model("Mine", build, 3)
    assert (own.model_name, own.model_options) == ("Mine", (("width", 4),))


def test_another_row_may_stand_in_its_place():
    row = Row.fpt("FPT", of_task={"mnist": Row.lstm(), "listops": None})
    assert row.on("mnist").model == "lstm"
    assert row.on("listops") is None
    assert row.on("bit_xor") is row
    assert Row.quoted("Theirs", "from elsewhere").on("mnist") is None


def test_fields_of_the_row_are_no_options():
    row = Row.lstm("LSTM", note="a note", same_as=("1", "LSTM"), num_layers=1)
    assert (row.note, row.same_as) == ("a note", ("1", "LSTM"))
    assert row.model_options == (("num_layers", 1),)
