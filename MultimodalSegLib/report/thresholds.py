"""Sums over lesions against the thresholds of published criteria: numbers, not a diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .change import Change
from .lesions import Lesion

MEASURABLE_MM = 10.0
"""Least longest in-plane diameter of a lesion that is followed (RECIST 1.1, RANO)."""


@dataclass(frozen=True)
class Criterion:
    """A size that is summed over the lesions, and how much change of the sum a criterion names.

    Args:
        name: of the criterion.
        what: of the sum.
        size: of one lesion.
        up: percent of growth.
        down: percent of shrinkage.
        at_least: growth must also reach this, in the unit of the size.
    """

    name: str
    what: str
    size: Callable[[Lesion], float]
    up: float
    down: float
    at_least: float = 0.0


CRITERIA = (
    # Eisenhauer et al., Eur J Cancer 45:228-247 (2009)
    Criterion("RECIST 1.1", "sum of the longest in-plane diameters", lambda one: one.in_plane.longest_mm, 20, 30, 5.0),
    # Wen et al., J Clin Oncol 28:1963-1972 (2010)
    Criterion("RANO", "sum of the products of diameters", lambda one: one.in_plane.product_mm2, 25, 50),
    # Wen et al., J Clin Oncol 41:5187-5199 (2023)
    Criterion("RANO 2.0", "volume", lambda one: one.volume_ml, 40, 65),
)


@dataclass(frozen=True)
class Total:
    """One sum over the lesions that are followed, in both runs.

    Args:
        criterion: name of the criterion.
        what: what is summed.
        earlier: the sum in the earlier run.
        now: the sum in this run.
        percent: its change.
        crossed: ``"growth"`` or ``"shrinkage"`` where the change reaches the criterion's threshold, else empty.
        sentence: the same in words.
    """

    criterion: str
    what: str
    earlier: float
    now: float
    percent: float
    crossed: str
    sentence: str


def totals(found: Sequence[Change]) -> tuple[Total, ...]:
    """Sums over the lesions that were measurable in the earlier run, and over what became of them.

    Returns:
        One for each of :data:`CRITERIA`; none if no lesion was measurable. New lesions are in no sum: they are counted.
    """
    followed = [
        change for change in found if any(lesion.in_plane.longest_mm >= MEASURABLE_MM for lesion in change.earlier)
    ]
    return tuple(_total(criterion, followed) for criterion in CRITERIA) if followed else ()


def _total(criterion: Criterion, followed: Sequence[Change]) -> Total:
    before = sum(criterion.size(lesion) for change in followed for lesion in change.earlier)
    after = sum(criterion.size(lesion) for change in followed for lesion in change.now)
    percent = 100.0 * (after / before - 1.0)
    crossed = ""
    if percent >= criterion.up and after - before >= criterion.at_least:
        crossed = "growth"
    elif percent <= -criterion.down:
        crossed = "shrinkage"
    limit = f"+{criterion.up:g} %" + (f" and {criterion.at_least:g} mm" if criterion.at_least else "")
    verdict = f"beyond the threshold of {crossed}" if crossed else "within the thresholds"
    sentence = (
        f"The {criterion.what} of {len(followed)} measurable lesions changed by {percent:+.0f} %, {verdict} "
        f"({criterion.name}: {limit}, -{criterion.down:g} %)."
    )
    return Total(criterion.name, criterion.what, before, after, percent, crossed, sentence)
