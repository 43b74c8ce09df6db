"""Cases onto workers, a few at a time, and what becomes of them as they end."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ClusterError
from .outcome import Outcome, failed
from .task import Task

TICK_S = 0.25
LOOK_S = 1.0
"""Seconds between two looks at how many workers there are."""

AGAIN = ("internal", "memory", "output", "cluster")
"""Kinds of errors that another worker may not have; the others lie in the case."""


@dataclass(frozen=True)
class Attempt:
    """A case that is tried for the n-th time; ``avoid`` is the address of the worker that had it before."""

    task: Task
    number: int = 1
    avoid: str = ""


@dataclass(frozen=True)
class State:
    """What is known between two cases: ids that are worked on, and the number of workers."""

    running: tuple[str, ...]
    workers: int


def outcomes(
    client: Any,
    tasks: Iterable[Task],
    work: Callable[[Task], Outcome],
    *,
    tell: Callable[[State], None],
    hold: Callable[[], bool] = lambda: False,
    attempts: int = 2,
) -> Iterator[Outcome]:
    """Work on cases and give what became of each as soon as it has ended.

    As many cases are with the scheduler as there are workers, so that its memory does not grow with the cohort and
    a pause takes effect at once. A case whose worker dies is taken up by another worker, by Dask itself.

    Args:
        client: a Dask client.
        tasks: the cases; taken from one after the other.
        work: what is done with each, on a worker.
        tell: called several times a second; may raise to stop, and leaves the cases as they are.
        hold: whether to begin no new case now.
        attempts: how often a case is begun, if the error may be the worker's.

    Raises:
        ClusterError: the scheduler is gone, or a worker cannot be used.
    """
    waiting, source = deque[Attempt](), iter(tasks)
    running: dict[Any, tuple[Any, Attempt]] = {}
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
    workers = _Workers(client)
    try:
        while True:
            while not hold() and len(running) < workers.count():
                attempt = waiting.popleft() if waiting else _next(source)
                if attempt is None:
                    break
                future = _submitted(client, work, attempt, workers)
                running[future.key] = future, attempt
                future.add_done_callback(ended.put)
            if not running and not waiting:
                first = _next(source)
                if first is None:
                    return
                waiting.append(first)
            tell(State(tuple(attempt.task.case.id for _, attempt in running.values()), workers.count()))
            for future in _drained(ended):
                _, attempt = running.pop(future.key)
                outcome = replace(_outcome(future, attempt), attempts=attempt.number)
                again = outcome.status == "failed" and outcome.kind in AGAIN and attempt.number < attempts
                if again:
                    waiting.append(replace(attempt, number=attempt.number + 1, avoid=_held_by(client, future)))
                future.release()
                if not again:
                    yield outcome
    finally:
        if running:
            with suppress(Exception):  # the scheduler may be gone
                client.cancel([future for future, _ in running.values()], force=True)


class _Workers:
    """The workers that are there, looked at from time to time."""

    def __init__(self, client: Any) -> None:
        self._client, self._found, self._at = client, dict[str, int](), 0.0

    def addresses(self) -> list[str]:
        if time.monotonic() - self._at > LOOK_S:
            if self._client.status != "running":
                raise _gone()
            try:
                self._found, self._at = self._client.nthreads(), time.monotonic()
            except OSError as error:  # Dask's CommClosedError is one
                raise _gone() from error
        return list(self._found)

    def count(self) -> int:
        return len(self.addresses())


def _gone() -> ClusterError:
    return ClusterError(
        "The scheduler is gone.", "Start it again and give the same command; what was finished is kept."
    )


def _next(source: Iterator[Task]) -> Attempt | None:
    task = next(source, None)
    return None if task is None else Attempt(task)


def _submitted(client: Any, work: Callable[[Task], Outcome], attempt: Attempt, workers: _Workers) -> Any:
    others = [address for address in workers.addresses() if address != attempt.avoid]
    elsewhere = {"workers": others, "allow_other_workers": True} if attempt.avoid and others else {}
    key = "case", attempt.task.case.id, attempt.number  # one group for Dask, which keeps every other prefix for ever
    return client.submit(work, attempt.task, key=key, pure=False, **elsewhere)


def _drained(ended: queue.SimpleQueue[Any]) -> Iterator[Any]:
    """Futures that have ended; waits a moment for the first one."""
    wait = True
    while True:
        try:
            yield ended.get(timeout=TICK_S) if wait else ended.get_nowait()
        except queue.Empty:
            return
        wait = False


def _held_by(client: Any, future: Any) -> str:
    """Address of the worker that has a result."""
    held = client.who_has([future])
    return next((str(address) for addresses in held.values() for address in addresses), "")


def _outcome(future: Any, attempt: Attempt) -> Outcome:
    """What became of a case."""
    from distributed import KilledWorker

    id = attempt.task.case.id
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status != "error":  # cancelled or lost: the scheduler was started again
        raise _gone()
    error = future.exception()
    if isinstance(error, ClusterError):
        raise error
    if isinstance(error, KilledWorker):
        message = "Several workers have died of this case, most likely because their memory was not enough."
        hint = "Give the workers more memory, or take fewer of them at a time."
        return replace(failed(id, error), error=message, hint=hint, kind="worker")
    return failed(id, error)
