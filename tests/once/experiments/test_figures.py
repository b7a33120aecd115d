"""Figures: bars with the single runs as points, curves over examples."""

import pytest
from helpers.comparison import make_runs

from keras_fpt.experiments.results import Results

pytest.importorskip("matplotlib")


def test_bars_and_points():
    (axes,) = Results(make_runs(), "accuracy").plot().axes
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == pytest.approx([0.91, 0.71])
    points = [line.get_ydata() for line in axes.lines]
    assert list(points[0]) == [0.90, 0.91, 0.92]
    assert [t.get_text() for t in axes.get_xticklabels()] == [
        *("pretrained", "no_trunk")
    ]


def test_curves_over_examples(tmp_path):
    runs = [*make_runs(examples=50), *make_runs(examples=None)]
    figure = Results(runs, "accuracy").plot(tmp_path / "curves.png")
    (axes,) = figure.axes
    labels = [t.get_text() for t in axes.get_legend().get_texts()]
    assert labels == ["pretrained", "no_trunk"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["50", "all"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
