"""Announcements without Qt: work says what happened, and never knows who shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Listener = Callable[..., Any]


class Signal:
    """Calls every connected function with what it is emitted with, in the order in which they were connected.

    Example:
        >>> finished = Signal()
        >>> finished.connect(print)
        >>> finished.emit("done")
        done
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def connect(self, listener: Listener) -> None:
        """Call a function at each emit from now on; one that is connected already is not called twice."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    def disconnect(self, listener: Listener | None = None) -> None:
        """Call a function no more, or none at all; one that is not connected is ignored."""
        if listener is None:
            self._listeners.clear()
        elif listener in self._listeners:
            self._listeners.remove(listener)

    def emit(self, *arguments: Any) -> None:
        """Call the listeners connected now; one that is disconnected by an earlier one is left out.

        Raises:
            Exception: the first one that a listener raised, after all of them were called.
        """
        raised: Exception | None = None
        for listener in tuple(self._listeners):
            if listener not in self._listeners:
                continue
            try:
                listener(*arguments)
            except Exception as error:
                raised = raised or error
        if raised is not None:
            raise raised
