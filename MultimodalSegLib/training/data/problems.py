"""What can be wrong with a data set, one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """One finding of a check.

    Args:
        case: the case's name, empty if the whole set is meant.
        severity: ``"error"`` if training on it would fail or learn something wrong, ``"warning"`` if a person should
            look.
        text: what is wrong, with the offending value.
        advice: what to do.
    """

    case: str
    severity: Severity
    text: str
    advice: str


def error(case: str, text: str, advice: str) -> Problem:
    """A problem that must be solved before training."""
    return Problem(case, "error", text, advice)


def warning(case: str, text: str, advice: str) -> Problem:
    """A problem to look at."""
    return Problem(case, "warning", text, advice)
