"""From many starts to one refined rigid transform, with a second search where the first one may have failed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import SimpleITK as sitk

from ..errors import RegistrationError
from .optimize import NO_OVERLAP, Outcome, Step
from .pyramid import COARSE, Pyramid
from .quality import Comparison
from .reliability import Judgement
from .start import ANY, FAR, TURN, WIDE_TURN, anywhere, differ, starts

SEARCH = Step("search, 8 mm", COARSE, 8_000, 60)
CHECK = Step("check", COARSE, 8_000, 290)
"""What an estimate of the error takes, all its restarts together."""

STARTS, MORE_STARTS = 3, 8
"""Starts that are followed; more where none of the others ends where the best one does."""

TRIES = ((FAR, TURN), (ANY, WIDE_TURN))
"""Largest rotation of the starts and degrees between them, for the first search and for the second."""

LOW_SHARED_HEAD = 0.7
"""Part of the smaller head that lies in the other one, below which a search has failed."""


class Run(Protocol):
    """What a search needs of a registration."""

    @property
    def fixed(self) -> Pyramid: ...

    @property
    def moving(self) -> Pyramid: ...

    @property
    def seed(self) -> int: ...

    def improve(self, transform: sitk.Transform, steps: tuple[Step, ...]) -> Outcome:
        """Refine a transform in place, step by step."""

    def judge(self, transform: sitk.Transform) -> Judgement:
        """The estimated error of a transform; listens as :data:`CHECK`."""

    def expect(self, steps: tuple[Step, ...]) -> None:
        """Tell the listener of progress of more work than was planned."""


@dataclass(frozen=True)
class Found:
    """A refined transform.

    Args:
        transform: fixed to moving points, LPS mm, centered in the fixed head.
        outcome: how the optimizer ended.
        score: mutual information (nats) times overlap, at 4 mm.
        shared: part of the smaller head that lies in the other one.
        judgement: its estimated error.
        remark: what is to be said about the search; empty if all went well.
    """

    transform: sitk.Euler3DTransform
    outcome: Outcome
    score: float
    shared: float
    judgement: Judgement
    remark: str = ""


def find(run: Run, refine: tuple[Step, ...]) -> Found:
    """Search and refine; if there is a doubt about what is found, once more with starts all around.

    A head that was turned by more than the first search tries fits itself quite well the wrong way round: only a look
    all around, which is a part of the estimate of the error, can tell. The better mutual information counts then.

    Raises:
        RegistrationError: that of the first search, if no search leads anywhere.
    """
    found: list[Found] = []
    failed: RegistrationError | None = None
    for number in range(len(TRIES)):
        if number > 0:
            run.expect((SEARCH,) * STARTS + refine + (CHECK,))
        try:
            found.append(_try(run, refine, number))
        except RegistrationError as error:
            failed = failed or error
        if found and _trusted(run, found[-1]):
            break
    if not found:
        raise failed or RegistrationError("No start brings the two heads together.", NO_OVERLAP)
    best = max(found, key=lambda each: (each.shared >= LOW_SHARED_HEAD, each.score))
    if best.shared < LOW_SHARED_HEAD:
        return replace(best, remark="two searches bring hardly any of the heads together")
    return best


def _try(run: Run, refine: tuple[Step, ...], number: int) -> Found:
    """One of the :data:`TRIES`."""
    transform = _search(run, number)
    outcome = run.improve(transform, refine)
    comparison = Comparison.of(run.fixed, run.moving)
    score = float(np.prod(comparison.mutual_information(transform)))
    remark = "found at the second search, with starts all around" if number else ""
    return Found(transform, outcome, score, comparison.shared_head(transform), run.judge(transform), remark)


def _trusted(run: Run, found: Found) -> bool:
    """Whether the heads meet and nothing speaks for another alignment."""
    if found.shared < LOW_SHARED_HEAD or found.judgement.light != "unknown":
        return found.shared >= LOW_SHARED_HEAD and found.judgement.light == "green"
    comparison, other = Comparison.of(run.fixed, run.moving, "coarse"), anywhere(run.fixed, run.moving, seed=run.seed)
    run.expect((SEARCH,))
    try:
        run.improve(other, (SEARCH,))
    except RegistrationError:  # this start lost the overlap on its way
        return True
    here, there = comparison.mutual_informations([found.transform, other]).prod(axis=1)
    return bool(here >= there or not differ(found.transform, other))


def _search(run: Run, number: int) -> sitk.Euler3DTransform:
    """The best of a few starts after a short run at 8 mm each.

    Raises:
        RegistrationError: there is no start from which the heads can be compared.
    """
    reach, turn = TRIES[number]
    comparison = Comparison.of(run.fixed, run.moving, "coarse")
    ends: list[tuple[float, sitk.Euler3DTransform]] = []
    candidates = starts(run.fixed, run.moving, MORE_STARTS, reach=reach, turn=turn, seed=run.seed + number)
    for index, start in enumerate(candidates):
        if index >= STARTS:
            if _confirmed(ends):
                break
            run.expect((SEARCH,))
        with suppress(RegistrationError):  # this one lost the overlap on its way
            run.improve(start, (SEARCH,))
            ends.append((float(np.prod(comparison.mutual_information(start))), start))
    if not ends:
        raise RegistrationError("No start brings the two heads together.", NO_OVERLAP)
    return max(ends, key=lambda end: end[0])[1]


def _confirmed(ends: list[tuple[float, sitk.Euler3DTransform]]) -> bool:
    """Whether another start ended where the best one did."""
    best = max(ends, key=lambda end: end[0], default=(0.0, None))[1]
    return any(best is not None and other is not best and not differ(best, other) for _, other in ends)
