"""Numbers as text, and bars that share a scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..document.content import Bar

MOST_DECIMALS = 4


def shown(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits, without an exponent; empty for None.

    Example:
        >>> shown(1234.6), shown(12.345), shown(0.00123), shown(None)
        ('1235', '12.3', '0.0012', '')
    """
    if value is None:
        return ""
    if isinstance(value, int) or value == 0:
        return f"{value:.0f}"
    magnitude = math.floor(math.log10(abs(value))) if value else 0
    decimals = min(max(0, digits - 1 - magnitude), MOST_DECIMALS)
    return f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def percent(part: float | None) -> str:
    """A part of 1 as whole percent; empty for None."""
    return "" if part is None else f"{100 * part:.0f} %".replace("-", "\N{MINUS SIGN}")


def span(interval: tuple[float, float] | None) -> str:
    """An interval as text; empty for None."""
    return "" if interval is None else f"{shown(interval[0])} to {shown(interval[1])}"


def bars(
    values: Sequence[float | None], intervals: Sequence[tuple[float, float] | None] | None = None
) -> list[Bar | None]:
    """Bars from 0 to each value, all on one scale that reaches from the least to the largest number.

    Args:
        values: None gives no bar.
        intervals: one for each value, or None.

    Example:
        >>> bars([1.0, None, 4.0])[0]
        Bar(start=0.0, end=0.25, interval=None)
    """
    around = list(intervals) if intervals is not None else [None] * len(values)
    known = [value for value in values if value is not None]
    known += [end for interval in around if interval is not None for end in interval]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    scale = (high - low) or 1.0

    def place(value: float) -> float:
        return (value - low) / scale

    return [
        None if value is None else Bar(place(0.0), place(value), interval and (place(interval[0]), place(interval[1])))
        for value, interval in zip(values, around, strict=True)
    ]
