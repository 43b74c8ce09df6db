"""What tests and benchmarks of a running panel look at: what is told, and how long the interface is blocked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Stopwatch:
    """Times of the turns of the event loop in the main thread.

    On a machine that is busy with other work a turn takes long for no fault of the program. Therefore the processor
    time of the turns is taken too, and how long the thread could have run but was not let (Linux tells).
    """

    def __init__(self) -> None:
        self.longest_s = self.processor_s = 0.0
        self._before, self._begin, self._waited = (0.0, 0.0), time.perf_counter(), waited_s()

    @contextmanager
    def turn(self) -> Iterator[None]:
        self._before = self.longest_s, self.processor_s
        wall, processor = time.perf_counter(), time.thread_time()
        yield
        self.longest_s = max(self.longest_s, time.perf_counter() - wall)
        self.processor_s = max(self.processor_s, time.thread_time() - processor)

    def forget(self) -> None:
        """The last turn does not count."""
        self.longest_s, self.processor_s = self._before

    @property
    def starved(self) -> float:
        """Part of the time for which the thread waited for a processor; 1 where the system does not tell."""
        waited = waited_s()
        if waited is None or self._waited is None:
            return 1.0
        return (waited - self._waited) / (time.perf_counter() - self._begin)


def waited_s() -> float | None:
    """Seconds that this thread has been ready to run without running, None if unknown."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text(encoding="utf-8").split()[1]) / 1e9
    except (OSError, IndexError):
        return None


class Listener:
    """Stages that a run of the panel has told, and how long they took to be told.

    Args:
        panel: its run must be on.
    """

    def __init__(self, panel: Any) -> None:
        self.stages: list[str] = []
        self.told_at: dict[str, float] = {}
        panel.run.flow.progress.connect(self._hear)

    def _hear(self, event: Any) -> None:
        self.stages.append(event.stage)
        self.told_at.setdefault(event.stage, time.perf_counter())

    def heard(self, stage: str) -> bool:
        return stage in self.told_at
