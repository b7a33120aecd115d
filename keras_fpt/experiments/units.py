"""Writes the numbers of a difference in the units of its metric."""

from __future__ import annotations

import math

from keras_fpt.experiments.statistics import Difference

# More decimals than these would be read as precision.
_MAX_EXTRA_DECIMALS = 3


class Units:
    """Numbers of a `Difference` as strings, positive where ours is better.

    Args:
        metric: string. `"accuracy"` is written in points (percent) with one
            decimal, other metrics with three significant digits. Up to three
            more are written where a number would otherwise read as zero.
        difference: `Difference`. At least one pair.

    Example:

    ```python
    from keras_fpt.experiments.statistics import Difference
    from keras_fpt.experiments.units import Units

    units = Units("accuracy", Difference((0.03, 0.05), (0.01, 0.07)))
    assert units.signed == "+4.0 points"
    assert units.interval == "[1.0, 7.0]"
    ```
    """

    def __init__(self, metric: str, difference: Difference) -> None:
        self.is_accuracy = metric == "accuracy"
        sign = 1 if difference.higher_is_better else -1
        self._mean = sign * (difference.mean or 0.0)
        self._bounds = sorted(sign * b for b in difference.interval or ())
        self._decimals = self._choose_decimals()

    @property
    def size(self) -> str:
        """Mean difference without its sign."""
        return self.plain(abs(self._mean))

    @property
    def signed(self) -> str:
        """Mean difference with its sign, also if that is plus."""
        plus = "+" if float(self._number(self._mean)) > 0 else ""
        return plus + self.plain(self._mean)

    @property
    def interval(self) -> str:
        """Interval in brackets, without the unit."""
        return f"[{', '.join(map(self._number, self._bounds))}]"

    def plain(self, value: float) -> str:
        """Any number of this metric, with its unit."""
        return self._number(value) + (" points" if self.is_accuracy else "")

    def _number(self, value: float) -> str:
        scaled = round(self._scaled(value), self._decimals)
        # Adding zero turns -0.0 into 0.0.
        return f"{scaled + 0.0:.{self._decimals}f}"

    def _scaled(self, value: float) -> float:
        return 100 * value if self.is_accuracy else value

    def _choose_decimals(self) -> int:
        numbers = [
            abs(self._scaled(value))
            for value in (self._mean, *self._bounds)
            if value
        ]
        decimals = 1
        if not self.is_accuracy and numbers:
            decimals = max(0, 2 - math.floor(math.log10(max(numbers))))
        for more in range(_MAX_EXTRA_DECIMALS + 1):
            if all(round(number, decimals + more) for number in numbers):
                return decimals + more
        return decimals
