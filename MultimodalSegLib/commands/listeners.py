"""How a command speaks: bars and sentences for a person, JSON lines for a program."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..errors import Cancelled, MultimodalSegError
from ..progress import Event


class Listener(Protocol):
    """What a command needs of whoever listens to it; calling it takes a progress event."""

    def __call__(self, event: Event) -> None: ...
    def say(self, *texts: RenderableType) -> None:
        """Results for a person."""

    def warn(self, sentence: str) -> None:
        """A warning for a person."""

    def result(self, result: Mapping[str, Any]) -> None:
        """The result for a program."""

    def error(self, error: MultimodalSegError) -> None:
        """Why the command ends without a result."""

    def close(self) -> None:
        """Stop drawing; may be called at any time and more than once."""


class Terminal:
    """For a person: progress bars, warnings and errors on stderr, results on stdout."""

    def __init__(self) -> None:
        self._errors = Console(stderr=True, highlight=False)
        self._out = Console(highlight=False)
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[message]}"),
            console=self._errors,
        )

    def __call__(self, event: Event) -> None:
        if event.stage not in self._tasks:
            for task in self._bars.tasks:
                self._bars.update(task.id, completed=task.total, message="")
            self._tasks[event.stage] = self._bars.add_task(event.stage, total=event.total or None, message="")
            self._bars.start()
        task_id = self._tasks[event.stage]
        self._bars.update(task_id, completed=event.done, total=event.total or None, message=event.message)

    def say(self, *texts: RenderableType) -> None:
        self.close()
        for text in texts:
            self._out.print(text, soft_wrap=isinstance(text, str), markup=False)

    def warn(self, sentence: str) -> None:
        self.close()
        self._errors.print(f"Warning: {sentence}", style="yellow", soft_wrap=True, markup=False)

    def result(self, result: Mapping[str, Any]) -> None:
        """Nothing: a person was told with :meth:`say`."""

    def error(self, error: MultimodalSegError) -> None:
        self.close()
        self._errors.print(f"Error: {error.message}", style="red", soft_wrap=True, markup=False)
        if error.hint:
            self._errors.print(error.hint, soft_wrap=True, markup=False)

    def close(self) -> None:
        self._bars.stop()


class JsonLines:
    """For a program: one JSON object per line on stdout, and nothing else there.

    What any library prints to stdout goes to stderr from then on. When nobody reads the lines, the work is stopped.
    """

    def __init__(self, *, seconds_between: float = 0.1) -> None:
        self._out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
        sys.stdout.flush()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._between = seconds_between
        self._begun: dict[str, tuple[float, float]] = {}  # time and done of each stage's first event
        self._last, self._last_message = 0.0, ""

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        begun, first = self._begun.setdefault(event.stage, (now, event.done))
        important = event.done <= 0 or event.done >= event.total or event.message != self._last_message
        if not important and now - self._last < self._between:
            return
        self._last, self._last_message = now, event.message
        done = event.done - first  # work that goes on from a saved state does not begin at 0
        eta = (now - begun) * (event.total - event.done) / done if done > 0 else None
        self._line(
            {
                "stage": event.stage,
                "done": event.done,
                "total": event.total,
                "eta_s": None if eta is None else round(max(eta, 0.0), 1),
                "message": event.message,
            }
        )

    def say(self, *texts: RenderableType) -> None:
        """Nothing: a program gets :meth:`result`."""

    def warn(self, sentence: str) -> None:
        """Nothing: the warnings are part of the result."""

    def result(self, result: Mapping[str, Any]) -> None:
        self._line({"result": dict(result)})

    def error(self, error: MultimodalSegError) -> None:
        self._line({"error": {"kind": error.kind, "message": error.message, "hint": error.hint}})

    def close(self) -> None:
        """Nothing is drawn."""

    def _line(self, content: Mapping[str, Any]) -> None:
        try:
            self._out.write(json.dumps(content) + "\n")
            self._out.flush()
        except BrokenPipeError as error:
            raise Cancelled("Nobody listens to the events anymore.", "Continue with --resume.") from error


class Silent:
    """For nobody: one of several processes that do the same work, of which another one speaks."""

    def __call__(self, event: Event) -> None:
        """Nothing."""

    def say(self, *texts: RenderableType) -> None:
        """Nothing."""

    def warn(self, sentence: str) -> None:
        """Nothing."""

    def result(self, result: Mapping[str, Any]) -> None:
        """Nothing."""

    def error(self, error: MultimodalSegError) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def listener(events: str | None) -> Listener:
    """The listener that the option ``--events`` asks for."""
    return JsonLines() if events else Terminal()
