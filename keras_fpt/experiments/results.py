"""Results of a comparison: scores, differences, verdicts, frames and text."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_fpt.experiments import records
from keras_fpt.experiments import verdicts
from keras_fpt.experiments.cells import best_validation
from keras_fpt.experiments.cells import chosen_rate
from keras_fpt.experiments.cells import summarize
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.statistics import Difference
from keras_fpt.experiments.statistics import corrected
from keras_fpt.experiments.statistics import paired_difference


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a comparison.

    Args:
        row: string. Its name.
        examples: int or `None`. Number of training examples; `None` for all.
        experiment: `Experiment`.
        record: dict or `None`. `None` if it was not run.
    """

    row: str
    examples: int | None
    experiment: Experiment
    record: records.Record | None


class Results:
    """Results of `keras_fpt.compare`.

    It reads records and nothing else. Each row's learning rate is the one
    with the best mean validation score; test scores are those of its runs.

    Args:
        runs: sequence of `Run`.
        metric: string. Name of the score: `"accuracy"`, `"r2"`.

    Attributes:
        rows: list of strings. Names of the rows, in their order.
        examples: list of ints or `None`. Numbers of training examples.
        num_missing: int. Runs that have no record.
    """

    def __init__(self, runs: Sequence[Run], metric: str) -> None:
        self.runs = list(runs)
        self.metric = metric
        self.rows = list(dict.fromkeys(run.row for run in runs))
        self.examples = list(dict.fromkeys(run.examples for run in runs))
        self.num_missing = sum(run.record is None for run in runs)

    def frame(self) -> Any:
        """Every run as a line of a `pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame(
            {
                "row": run.row,
                "examples": run.examples,
                "seed": run.experiment.seed,
                "learning_rate": run.experiment.learning_rate,
                "validation": best_validation(run.record),
                "test": run.record["test_at_best"],
                "best_step": run.record["best_step"],
                "diverged": run.record["diverged"],
                "trained": run.record["parameters"]["trained"],
                "total": run.record["parameters"]["total"],
                "seconds": run.record["seconds"],
                "key": run.experiment.key,
            }
            for run in self.runs
            if run.record is not None
        )

    def table(self) -> Any:
        """A line a row, as a `pandas.DataFrame`.

        Mean test score, standard error over seeds, number of runs, chosen
        learning rate with a mark if it is at the edge of the tried ones,
        trained and total parameters, seconds a run.
        """
        import pandas as pd

        lines = []
        for row, examples in itertools.product(self.rows, self.examples):
            rate = self.rate(row, examples)
            chosen = self._records(row, examples).get(rate, [])
            summary = summarize(chosen, "score") if chosen else None
            if summary is None:
                continue
            lines.append(
                {
                    "row": row,
                    "examples": examples,
                    self.metric: summary.mean,
                    "standard_error": summary.error,
                    "runs": summary.count,
                    "diverged": summary.diverged,
                    "learning_rate": rate,
                    "edge": self.edge(row, examples),
                    "trained": chosen[0]["parameters"]["trained"],
                    "total": chosen[0]["parameters"]["total"],
                    "seconds": sum(
                        record["seconds"] / record["replicas"]
                        for record in chosen
                    )
                    / len(chosen),
                }
            )
        frame = pd.DataFrame(lines)
        if self.examples == [None] and lines:
            frame = frame.drop(columns="examples")
        return frame

    def rate(self, row: str, examples: int | None = None) -> float | None:
        """The learning rate that a row chose by validation."""
        self._check_row(row)
        return chosen_rate(self._records(row, examples))

    def edge(self, row: str, examples: int | None = None) -> str:
        """A mark if the chosen rate is at the edge of the tried ones."""
        rate = self.rate(row, examples)
        if rate is None:
            return ""
        return verdicts.edge_mark(rate, self._records(row, examples))

    def difference(
        self, row: str, other: str, examples: int | None = None
    ) -> Difference:
        """The paired difference of two rows over seeds.

        Args:
            row: string. Name of a row.
            other: string. Name of the row that is subtracted.
            examples: int or `None`. Number of training examples. Defaults to
                `None`, all.

        Returns:
            A `Difference`: mean, 95 % interval, n, verdict.
        """
        scores, sizes = {}, []
        for name in (row, other):
            rate = self.rate(name, examples)
            found = self._records(name, examples).get(rate, [])
            sizes += [record["test_size"] for record in found]
            scores[name] = {
                record["experiment"]["seed"]: record["test_at_best"]
                for record in found
            }
        size = min(sizes, default=None) if self.metric == "accuracy" else None
        return paired_difference(
            scores[row], scores[other], test_size=size, metric=self.metric
        )

    def differences(
        self, examples: int | None = None
    ) -> dict[tuple[str, str], Difference]:
        """The first row against each other row, corrected by Holm."""
        first, *others = self.rows
        return corrected(
            {
                (first, other): self.difference(first, other, examples)
                for other in others
            }
        )

    def verdicts(self) -> list[str]:
        """Returns the verdicts, one sentence each."""
        sentences = []
        for examples in self.examples:
            differences = self.differences(examples)
            lines = verdicts.sentences(self.metric, differences)
            if examples is not None and lines:
                sentences.append(f"With {examples} training examples:")
            sentences += lines
            for row in self.rows:
                rate = self.rate(row, examples)
                if rate is not None:
                    rates = self._records(row, examples)
                    said = verdicts.edge_sentence(row, rate, rates)
                    sentences += [said] if said else []
        if self.num_missing:
            sentences.append(
                f"{self.num_missing} of {len(self.runs)} runs are missing: "
                "call it again to go on."
            )
        return sentences

    def to_markdown(self) -> str:
        """The table as Markdown; `±` is the standard error over seeds."""
        several = self.examples != [None]
        heading = ["row", *(["examples"] if several else [])]
        heading += [self.metric, "runs", "learning rate", "trained", "seconds"]
        lines = ["| " + " | ".join(heading) + " |", "|---" * len(heading) + "|"]
        for line in self.table().to_dict("records"):
            error = line["standard_error"]
            known = error is not None and error == error
            score = f"{line[self.metric]:.3f}"
            number = line.get("examples")
            cells = [
                line["row"],
                *(
                    [f"{number:g}" if number == number and number else "all"]
                    if several
                    else []
                ),
                f"{score} ± {error:.3f}" if known else score,
                f"{line['runs']}",
                f"{line['learning_rate']:g}{line['edge']}",
                f"{line['trained']:,}",
                f"{line['seconds']:.1f}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def plot(self, path: str | pathlib.Path | None = None) -> Any:
        """Draws bars with the single runs as points; or curves over examples.

        Args:
            path: path or `None`. Where the picture is saved. Defaults to
                `None`, nowhere.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from keras_fpt.experiments.figures import draw_results

        figure = draw_results(self)
        if path is not None:
            figure.savefig(path, dpi=150, bbox_inches="tight")
        return figure

    def __str__(self) -> str:
        return "\n".join([self.to_markdown(), "", *self.verdicts()])

    def scores(self, row: str, examples: int | None = None) -> list[float]:
        """Test scores of a row's runs at its chosen rate, seed by seed."""
        rate = self.rate(row, examples)
        return [
            record["test_at_best"]
            for record in self._records(row, examples).get(rate, [])
            if record["test_at_best"] is not None
        ]

    def _records(
        self, row: str, examples: int | None
    ) -> dict[Any, list[records.Record]]:
        """Records of a row by learning rate, in the order of the seeds."""
        found: dict[Any, list[records.Record]] = {}
        for run in self.runs:
            if (run.row, run.examples) == (row, examples):
                mine = found.setdefault(run.experiment.learning_rate, [])
                if run.record is not None:
                    mine.append(run.record)
        return found

    def _check_row(self, row: str) -> None:
        if row not in self.rows:
            raise ValueError(
                f"No row is named {row!r}. Rows: {', '.join(self.rows)}"
            )


def read_results(
    runs: Mapping[tuple[str, int | None], Sequence[Experiment]],
    results_dir: pathlib.Path,
    metric: str,
) -> Results:
    """Results from the records of a folder.

    Args:
        runs: mapping from row and number of training examples to experiments.
        results_dir: path. Folder of the records.
        metric: string. Name of the score.
    """
    listed = []
    for (row, examples), experiments in runs.items():
        for experiment in experiments:
            path = records.find(experiment, results_dir)
            record = None if path is None else records.read(path)
            listed.append(Run(row, examples, experiment, record))
    return Results(listed, metric)
