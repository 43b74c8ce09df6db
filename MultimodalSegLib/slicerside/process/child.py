"""The child process that does the work: started, listened to without ever waiting, and ended with all it started."""

from __future__ import annotations

import atexit
import json
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from ..signal import Signal
from . import failures
from .processes import child_environment, find_python, kill_family, lives, started

LOG_LINES = 2000
LINES_PER_POLL = 500
LAST_WORDS_S, MOST_LAST_WORDS_S = 1.0, 30.0
"""Silence, and time at all, that ends the wait for the rest of the output after the process has ended; what it started
may hold the pipes open for ever."""
LEAVING_S = 0.2
"""Time for the process to end after it has told its result, which is the last it does; torch takes seconds to leave."""
LOG_EVERY_S = 1.0

Line = tuple[str, str | None]
"""Name of the stream and one line of it, None at its end."""

_alive: set[ChildRun] = set()


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Args:
        stage: ``"prepare"``, ``"start"``, ``"read"``, ``"register"``, ``"segment"``, ``"measure"`` or ``"load"``.
        done: units of the stage that are finished.
        total: units of the stage in all.
        message: one line, may be empty.
        eta_s: seconds until the stage ends, None if not known.
    """

    stage: str
    done: float
    total: float
    message: str = ""
    eta_s: float | None = None

    @property
    def fraction(self) -> float:
        """Part of the stage that is done, 0 to 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0


class ChildRun:
    """A command of the library in a process of its own.

    Exactly one of ``finished(result: dict)``, ``failed(kind, message, hint)`` and ``cancelled()`` is emitted, from
    :meth:`poll`, when no process is left; ``progress(RunProgress)`` before that.

    Args:
        arguments: of ``python -m MultimodalSegLib``; ``--events jsonl`` is added.
        python: the interpreter; PythonSlicer or the running Python if None.
        environment: variables to set besides those of this process.

    Example:
        >>> run = ChildRun(["segment", "--ct", "ct.nrrd", "--out", "run"])
        >>> run.finished.connect(print)
        >>> run.start()
        >>> while run.poll():
        ...     time.sleep(0.05)
    """

    STDIN = subprocess.DEVNULL

    def __init__(
        self, arguments: Sequence[str], *, python: str | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.progress, self.finished, self.failed, self.cancelled = Signal(), Signal(), Signal(), Signal()
        self._arguments, self._python = list(arguments), python
        self._environment = child_environment(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._doomed: list[Any] = []
        self._lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._open_streams = 0
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._logged = ("", 0.0)  # the stage that was last written to the log, and when
        self._result: dict[str, Any] | None = None
        self._result_at = 0.0
        self._error: failures.Failure | None = None
        self._ended_at: float | None = None
        self._heard_at = 0.0
        self._cancelled = self._over = False

    @property
    def running(self) -> bool:
        """Whether the end is still to be told."""
        return self._process is not None and not self._over

    @property
    def pid(self) -> int | None:
        """Number of the process, None before it is started."""
        return None if self._process is None else self._process.pid

    @property
    def log(self) -> str:
        """The last lines that the process wrote to stderr, and its stages."""
        return "\n".join(self._log)

    def start(self) -> None:
        """Start the process; this does not wait for it.

        Raises:
            MissingPackageError: there is no Python to start.
        """
        python = self._python or find_python()
        if python is None:
            raise failures.no_python().error()
        command = [python, "-m", __package__.split(".")[0], *self._arguments, "--events", "jsonl"]
        self._process = started(command, self._environment, self.STDIN)
        _alive.add(self)
        self._log.append(subprocess.list2cmdline(command))
        for name, stream in (("out", self._process.stdout), ("err", self._process.stderr)):
            self._open_streams += 1
            threading.Thread(target=self._read, args=(name, stream), name=f"child {name}", daemon=True).start()

    def poll(self) -> bool:
        """Emit what has happened since the last call, without waiting.

        Returns:
            Whether the run is still on.
        """
        if self._process is None or self._over:
            return False
        latest = self._drain()
        if not self._cancelled:
            for event in latest.values():
                self.progress.emit(event)
        code = self._process.poll()
        if code is None and self._result is not None and time.monotonic() - self._result_at > LEAVING_S:
            self._kill()
        if self._over or code is None:  # a listener may have cancelled and waited
            return not self._over
        now = time.monotonic()
        self._ended_at = self._ended_at or now
        silent = now - max(self._ended_at, self._heard_at) > LAST_WORDS_S
        waited = silent or now - self._ended_at > MOST_LAST_WORDS_S
        if self._cancelled:
            if any(lives(process) for process in self._doomed) and not waited:
                return True
        elif self._open_streams and not waited:
            return True
        elif waited:
            self._kill()
        self._conclude(code)
        return False

    def cancel(self, *, wait_s: float = 0.0) -> None:
        """Kill the process and everything it started; ``cancelled`` is emitted by the next :meth:`poll` after its end.

        Args:
            wait_s: poll for so long that the end comes before this returns.
        """
        if not self.running:
            return
        if not self._cancelled:
            self._cancelled = True
            self._kill()
        end = time.monotonic() + wait_s
        while time.monotonic() < end and self.poll():
            time.sleep(0.01)

    def _read(self, name: str, stream: IO[bytes]) -> None:
        """In a thread: lines into the queue until the stream ends."""
        with suppress(OSError, ValueError), stream:
            for line in stream:
                self._lines.put((name, line.decode("utf-8", "replace").rstrip()))
        self._lines.put((name, None))

    def _drain(self) -> dict[str, RunProgress]:
        """Take in what was written; of each stage the latest progress counts."""
        latest: dict[str, RunProgress] = {}
        for _ in range(LINES_PER_POLL):
            try:
                name, line = self._lines.get_nowait()
            except queue.Empty:
                break
            self._heard_at = time.monotonic()
            if line is None:
                self._open_streams -= 1
            elif name == "err":
                self._log.append(line)
            else:
                self._take(line, latest)
        return latest

    def _take(self, line: str, latest: dict[str, RunProgress]) -> None:
        try:
            content = json.loads(line)
            if "result" in content:
                self._result, self._result_at = dict(content["result"]), time.monotonic()
            elif "error" in content:
                error = content["error"]
                self._error = failures.told(str(error["kind"]), str(error["message"]), str(error["hint"]))
                self._log.append(f"{error['message']} {error['hint']}")
            else:
                event = RunProgress(
                    content["stage"], content["done"], content["total"], content["message"], content["eta_s"]
                )
                latest[event.stage] = event
                stage, when = self._logged
                if stage != event.stage or time.monotonic() - when > LOG_EVERY_S:
                    self._logged = (event.stage, time.monotonic())
                    self._log.append(f"{event.stage} {event.fraction:.0%} {event.message}".rstrip())
        except (ValueError, KeyError, TypeError):
            self._log.append(line)  # not one of our lines: kept for a person

    def _conclude(self, code: int) -> None:
        self._over = True
        _alive.discard(self)
        if self._cancelled:
            self._log.append("cancelled")
            self.cancelled.emit()
        elif self._result is not None:  # whatever the process did while it was leaving
            self.finished.emit(self._result)
        else:
            failure = self._error or failures.from_exit(code, tuple(self._log)[1:])
            self._log.append(f"exit code {code}")
            self.failed.emit(failure.kind, failure.message, failure.hint)

    def _kill(self) -> None:
        assert self._process is not None
        self._doomed = kill_family(self._process)


def end_all() -> None:
    """Kill every run that is still on; called when Python ends."""
    for run in tuple(_alive):
        with suppress(Exception):
            run.cancel(wait_s=2.0)


atexit.register(end_all)
