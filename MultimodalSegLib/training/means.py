"""Means of numbers that come step by step."""

from __future__ import annotations

from collections.abc import Mapping


class Means:
    """Collects numbers by name and gives their means; a name that came less often has the mean of what came.

    Example:
        >>> means = Means()
        >>> means.add({"loss": 1.0, "topology": 4.0})
        >>> means.add({"loss": 3.0})
        >>> means.take(), means.take()
        ({'loss': 2.0, 'topology': 4.0}, {})
    """

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, numbers: Mapping[str, float]) -> None:
        """Take one more of each; what is no number is left out."""
        for name, value in numbers.items():
            if value == value:
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + value, count + 1

    def take(self) -> dict[str, float]:
        """The means since the last time."""
        means = {name: total / count for name, (total, count) in self._sums.items()}
        self._sums = {}
        return means
