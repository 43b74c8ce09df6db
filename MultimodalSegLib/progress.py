"""How long work says how far it is: one small event, one callable that takes it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Progress of one stage.

    Args:
        stage: name of the stage, such as ``"register"`` or ``"segment"``.
        done: units finished, 0 at the start.
        total: units in all.
        message: one line for a person, may be empty.
    """

    stage: str
    done: float
    total: float
    message: str = ""


Progress = Callable[[Event], None]
"""Takes each event as it happens. May raise :class:`~MultimodalSegLib.errors.Cancelled` to stop the work."""


def silent(event: Event) -> None:
    """A listener that ignores every event; the default of every function that reports progress."""
