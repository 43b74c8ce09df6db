"""A child process that stays and answers requests, so that only the first one waits for Python and for the model."""

from __future__ import annotations

import json
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..signal import Signal
from . import failures
from .child import ChildRun, RunProgress

UNASKED = {"measured", "ended"}
"""Keys of results that answer no request."""


class LastingChild(ChildRun):
    """A command with ``--listen``: lines on its stdin are requests, each answered by a result or an error.

    Emits ``answered(content)`` for each of them, from :meth:`poll`, besides the signals of
    :class:`~MultimodalSegLib.slicerside.process.child.ChildRun` when the process has ended.

    Args:
        arguments: of ``python -m MultimodalSegLib``.
        python: the interpreter.
    """

    STDIN = subprocess.PIPE

    def __init__(self, arguments: Sequence[str], *, python: str | None = None) -> None:
        super().__init__(arguments, python=python)
        self.answered = Signal()
        self._answers: deque[Mapping[str, Any]] = deque()

    def send(self, request: Mapping[str, Any]) -> None:
        """Write a request; a process that is gone tells its end by itself."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):
                self._process.stdin.write(json.dumps(dict(request)).encode() + b"\n")
                self._process.stdin.flush()

    def _take(self, line: str, latest: dict[str, RunProgress]) -> None:
        with suppress(ValueError):
            content = json.loads(line)
            if isinstance(content, dict) and ("error" in content or "result" in content):
                self._answers.append(content)
                return
        super()._take(line, latest)

    def _drain(self) -> dict[str, RunProgress]:
        latest = super()._drain()
        while self._answers and not self._cancelled:
            self.answered.emit(self._answers.popleft())
        return latest


class ChildRequest:
    """One request, to be followed as a :class:`~MultimodalSegLib.slicerside.process.child.ChildRun` is."""

    def __init__(self, lasting: Lasting, content: Mapping[str, Any]) -> None:
        self.progress, self.finished, self.failed, self.cancelled = Signal(), Signal(), Signal(), Signal()
        self._lasting, self.content = lasting, content
        self.running = False

    @property
    def log(self) -> str:
        """What the process wrote."""
        return self._lasting.log

    def start(self) -> None:
        """Send it, to a new process if none is there.

        Raises:
            MissingPackageError: there is no Python to start.
        """
        self._lasting.ask(self)
        self.running = True

    def poll(self) -> bool:
        """Tell what has happened; True while the answer is awaited."""
        self._lasting.poll()
        return self.running

    def cancel(self, *, wait_s: float = 0.0) -> None:
        """End the process; the next request starts it anew."""
        if self.running:
            self._lasting.end(wait_s=wait_s)

    def over(self, signal: Signal, *told: Any) -> None:
        """Tell the end, once."""
        if self.running:
            self.running = False
            signal.emit(*told)


class Lasting:
    """The process, started with the first request and again after its end; requests are answered in their order.

    Emits ``heard(result)``, from :meth:`poll`, for what the process tells without being asked.

    Args:
        arguments: of ``python -m MultimodalSegLib``, for a command that listens.
        python: see :class:`~MultimodalSegLib.slicerside.process.child.ChildRun`.

    Example:
        >>> lasting = Lasting(["refine", "run", "--listen"])                        # doctest: +SKIP
        >>> request = lasting.request({"positive": [[0, 0, 0]], "new": "It"})       # doctest: +SKIP
        >>> request.finished.connect(print); request.start()                        # doctest: +SKIP
    """

    def __init__(self, arguments: Sequence[str], *, python: str | None = None) -> None:
        self.arguments, self._python = tuple(arguments), python
        self.heard = Signal()
        self._child: LastingChild | None = None
        self._waiting: deque[ChildRequest] = deque()

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int | None:
        """Number of the process, None if there is none."""
        return self._child.pid if self._child is not None and self._child.running else None

    @property
    def log(self) -> str:
        """What the process wrote."""
        return self._child.log if self._child is not None else ""

    def request(self, content: Mapping[str, Any]) -> ChildRequest:
        """A request that is not sent yet."""
        return ChildRequest(self, content)

    def ask(self, request: ChildRequest) -> None:
        """Send a request.

        Raises:
            MissingPackageError: there is no Python to start.
        """
        if self._child is None or not self._child.running:
            self._start()
        assert self._child is not None
        self._waiting.append(request)
        self._child.send(request.content)

    def poll(self) -> bool:
        """Emit what has happened; True while there is a process."""
        return self._child.poll() if self._child is not None else False

    def end(self, *, wait_s: float = 0.0) -> None:
        """End the process with all it started; requests that wait are cancelled."""
        if self._child is not None:
            self._child.cancel(wait_s=wait_s)

    def _start(self) -> None:
        child = LastingChild(self.arguments, python=self._python)
        child.progress.connect(self._progress)
        child.answered.connect(self._answered)
        child.cancelled.connect(lambda: self._all_over("cancelled"))
        child.failed.connect(lambda *why: self._all_over("failed", *why))
        child.start()
        self._child = child

    def _progress(self, event: RunProgress) -> None:
        if self._waiting:
            self._waiting[0].progress.emit(event)

    def _answered(self, content: Mapping[str, Any]) -> None:
        result = content.get("result")
        if isinstance(result, dict) and (UNASKED & set(result) or not self._waiting):
            self.heard.emit(result)
        elif self._waiting:
            request = self._waiting.popleft()
            if isinstance(result, dict):
                request.over(request.finished, result)
            else:
                error = content["error"]
                told = failures.told(str(error["kind"]), str(error["message"]), str(error["hint"]))
                request.over(request.failed, told.kind, told.message, told.hint)

    def _all_over(self, how: str, *why: Any) -> None:
        """The process has ended."""
        waiting, self._waiting = self._waiting, deque()
        for request in waiting:
            request.over(getattr(request, how), *why)
