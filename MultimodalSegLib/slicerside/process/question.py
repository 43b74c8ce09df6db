"""A command that a panel asks in a child process, and whose answer it loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import MultimodalSegError
from ..signal import Signal
from . import failures
from .child import ChildRun
from .lasting import ChildRequest


class Question:
    """One question that is on; nothing here waits.

    Signals, all from within :meth:`poll`: ``progress(RunProgress)``, then one of ``finished(answer)``,
    ``failed(kind, message, hint)``, ``cancelled()``.

    Args:
        arguments: the command and its options, without the interpreter and ``--events``.
        python: see :class:`~MultimodalSegLib.slicerside.process.child.ChildRun`.
        child: what is asked instead of a new process, a request to one that stays.
    """

    def __init__(
        self, arguments: Sequence[str] = (), *, python: str | None = None, child: ChildRequest | None = None
    ) -> None:
        self.progress, self.finished, self.failed, self.cancelled = Signal(), Signal(), Signal(), Signal()
        self._child = child or ChildRun(arguments, python=python)
        self._child.progress.connect(self.progress.emit)
        self._child.finished.connect(self._answered)
        self._child.failed.connect(self._fail)
        self._child.cancelled.connect(self._stop)

    @property
    def running(self) -> bool:
        """Whether the end is still to be told."""
        return self._child.running

    @property
    def log(self) -> str:
        """What the child wrote."""
        return self._child.log

    def start(self) -> None:
        """Ask; this does not wait.

        Raises:
            MissingPackageError: there is no Python to start.
        """
        self._child.start()

    def poll(self) -> bool:
        """Tell what has happened; True while the question is on."""
        return self._child.poll()

    def cancel(self, *, waitSeconds: float = 0.0) -> None:
        """Stop asking; the process ends with all it started."""
        self._child.cancel(wait_s=waitSeconds)

    def loaded(self, told: Mapping[str, Any]) -> Any:
        """The answer, from what the child told at its end."""
        raise NotImplementedError

    def tidy(self) -> None:
        """Remove what was made for the child; called once, before the end is told."""

    def _answered(self, told: Mapping[str, Any]) -> None:
        try:
            answer = self.loaded(told)
        except MultimodalSegError as error:
            self._fail(error.kind, error.message, error.hint)
        except Exception as error:
            failure = failures.from_exception(error)
            self._fail(failure.kind, failure.message, failure.hint)
        else:
            self.tidy()
            self.finished.emit(answer)

    def _fail(self, kind: str, message: str, hint: str) -> None:
        self.tidy()
        self.failed.emit(kind, message, hint)

    def _stop(self) -> None:
        self.tidy()
        self.cancelled.emit()
