"""How figures and pictures of the page are put into words."""

from __future__ import annotations

import math

from ..report.document.content import Picture
from .bootstrap import Interval
from .measures import MEASURES


def interval_text(interval: Interval, measure: str) -> str:
    """``mean (low to high)`` with the digits of a measure."""
    text = MEASURES[measure].text
    if unknown(interval) or math.isnan(interval.low):
        return text(interval.mean)
    return f"{text(interval.mean)} ({text(interval.low)} to {text(interval.high)})"


def picture_caption(picture: Picture) -> str:
    """The first sentence of a picture's text."""
    return picture.alt.split(". ")[0].rstrip(".") + "."


def unknown(interval: Interval) -> bool:
    """There is no figure."""
    return math.isnan(interval.mean)
