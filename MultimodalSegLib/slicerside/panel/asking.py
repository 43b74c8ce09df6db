"""What every section does that asks something of a child process: start, hear of it now and then, stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..process.child import RunProgress
from ..process.question import Question
from .widgets import timer

POLL_MS = 50
END_S = 2.0
"""Time for a child to end when nobody can wait for it any longer."""


class Asking:
    """Follows one question at a time, from its start to its end.

    Args:
        progress: hears how far the question is.
        unanswered: hears that it is over without an answer: a sentence that says why, empty if it was stopped.

    Example:
        >>> asking = Asking(print, print)                            # doctest: +SKIP
        >>> asking.ask(Reporting(folder, place), answered=print)     # doctest: +SKIP
    """

    def __init__(self, progress: Callable[[RunProgress], None], unanswered: Callable[[str], None]) -> None:
        self._progress, self._unanswered = progress, unanswered
        self._question: Question | None = None
        self._timer = timer(POLL_MS, self.onTimer)

    @property
    def running(self) -> bool:
        """Whether a question is on."""
        return self._question is not None

    def ask(self, question: Question, answered: Callable[[Any], None]) -> None:
        """Start a question; this does not wait.

        Args:
            question: not started yet; no other one is on.
            answered: is called with the answer.

        Raises:
            MissingPackageError: there is no Python to start.
        """
        question.progress.connect(self._progress)
        question.finished.connect(lambda answer: self._over(answered, answer))
        question.failed.connect(lambda _kind, message, hint: self._over(self._unanswered, f"{message} {hint}".strip()))
        question.cancelled.connect(lambda: self._over(self._unanswered, ""))
        question.start()
        self._question = question
        self._timer.start()

    def onTimer(self) -> None:
        """Hear what has happened; a short call, many times a second."""
        if self._question is not None:
            self._question.poll()

    def cancel(self) -> None:
        """Stop asking; the end is told as soon as the child has ended."""
        if self._question is not None:
            self._question.cancel()

    def stop(self) -> None:
        """Stop asking at once: the scene is closing, or the module goes."""
        if self._question is not None:
            self._question.cancel(waitSeconds=END_S)
        if self._question is not None:
            self._over(self._unanswered, "")

    def _over(self, tell: Callable[[Any], None], what: Any) -> None:
        self._timer.stop()
        self._question = None
        tell(what)
