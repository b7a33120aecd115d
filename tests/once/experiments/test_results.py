"""Results: rates by validation, paired differences, verdicts, text."""

import pytest
from helpers.comparison import TESTS
from helpers.comparison import make_runs

from keras_fpt.experiments.results import Results


def test_each_row_chooses_by_validation():
    results = Results(make_runs(), "accuracy")
    table = results.table().set_index("row")
    assert table.loc["pretrained", "accuracy"] == pytest.approx(0.91)
    assert table.loc["pretrained", "standard_error"] == pytest.approx(
        0.01 / 3**0.5
    )
    assert table.loc["no_trunk", "runs"] == 3
    assert set(table["learning_rate"]) == {3e-3}
    assert len(results.frame()) == 18
    assert results.scores("no_trunk") == [0.70, 0.72, 0.71]


def test_differences_are_paired():
    results = Results(make_runs(), "accuracy")
    difference = results.difference("pretrained", "no_trunk")
    assert difference.mean == pytest.approx(0.2)
    assert difference.num_pairs == 3 and difference.verdict == "ahead"
    assert results.difference("no_trunk", "pretrained").verdict == "behind"
    (corrected,) = results.differences().values()
    assert corrected.verdict == "ahead"
    text = str(results)
    assert "20.0 points" in text and "| pretrained | 0.910 ± 0.006 |" in text


def test_a_rate_at_the_edge_is_marked_and_said():
    inside = Results(make_runs(), "accuracy")
    assert "tried" not in str(inside)
    edge = Results(make_runs(best_rate=1e-2), "accuracy")
    assert edge.edge("pretrained") and edge.edge("pretrained") in (
        edge.to_markdown()
    )
    assert "largest learning rate tried" in str(edge)


def test_missing_runs_are_said_and_their_seed_is_no_pair():
    runs = make_runs(missing=[("no_trunk", 1)])
    results = Results(runs, "accuracy")
    assert results.num_missing == 3
    assert "3 of 18 runs are missing" in str(results)
    assert results.difference("pretrained", "no_trunk").num_pairs == 2


def test_nothing_has_run():
    everything = [(row, seed) for row in TESTS for seed in range(3)]
    results = Results(make_runs(missing=everything), "accuracy")
    assert "18 of 18 runs are missing" in str(results)
    assert results.rate("pretrained") is None
    assert len(results.table()) == 0 and len(results.frame()) == 0


def test_learning_curves():
    runs = [*make_runs(examples=50), *make_runs(examples=None)]
    results = Results(runs, "accuracy")
    assert results.examples == [50, None]
    assert len(results.table()) == 4
    assert "With 50 training examples:" in str(results)
    assert "| pretrained | 50 |" in results.to_markdown()
    assert "| pretrained | all |" in results.to_markdown()


def test_an_unknown_row():
    with pytest.raises(ValueError, match="No row is named 'lstm'.*pretrained"):
        Results(make_runs(), "accuracy").rate("lstm")
