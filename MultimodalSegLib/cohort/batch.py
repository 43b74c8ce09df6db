"""A whole cohort: read, checked, worked on by all workers, told in one table and one index."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import ClusterError, InputError, MissingPackageError
from ..models.bundle import Bundle, load_bundle
from ..progress import Event, Progress, silent
from ..stages.explain import class_of
from .cases import CohortCase, read_cases
from .cluster import Place, opened
from .folder import COHORT, CohortFolder
from .index import write_index
from .options import CohortOptions
from .outcome import COLUMNS, Outcome
from .schedule import State, outcomes
from .task import Model, Task, run_task
from .worker import compared_versions, differences, look, neighbours_of, refuse

STAGE = "batch"
INDEX_S = 60.0
"""Seconds between two writings of the index while cases are worked on."""


@dataclass(frozen=True)
class Batch:
    """What :func:`run_batch` leaves.

    Args:
        folder: of the cohort.
        done_before: cases that had finished before.
        failed: ids of the cases that failed.
        seconds: that all of it took.
    """

    folder: CohortFolder
    done_before: int
    failed: tuple[str, ...]
    seconds: float


def run_batch(
    table: Path,
    out: Path,
    options: CohortOptions | None = None,
    place: Place | None = None,
    progress: Progress = silent,
    dashboard: Callable[[str], None] = lambda link: None,
) -> Batch:
    """Register, segment and measure every case of a cohort, and more if asked for; done again it does what is missing.

    Args:
        table: CSV or folder of cases, see :func:`~MultimodalSegLib.cohort.cases.read_cases`.
        out: the cohort's folder.
        options: what to do with each case.
        place: where.
        progress: takes the events of the stage ``"batch"``, one unit a case; may raise to stop, which loses nothing.
        dashboard: is given the address of Dask's own page.

    Returns:
        What became of the cohort; cases that failed are in it and are no error.

    Raises:
        InputError: the table has problems, all of which are listed, or the folder is another cohort's or lies among the
            cases.
        ModelError: no such model, or one that answers clicks.
        MissingPackageError: Dask, Jinja2 or Pillow is missing.
        ClusterError: scheduler or workers that cannot be used.
        OutputError: the folder cannot be written.

    Example:
        >>> batch = run_batch(Path("cases.csv"), Path("cohort"), place=Place(workers=2))     # doctest: +SKIP
        >>> batch.failed                                                                     # doctest: +SKIP
        ()
    """
    options, place = options or CohortOptions(), place or Place()
    place = replace(place, threads=options.threads, memory_mb=options.memory_limit_mb, device=options.device)
    begun = time.monotonic()
    progress(Event(STAGE, 0, 1, "Looking at the cases"))
    _check_packages()
    _check_apart(table, out)
    bundle = load_bundle(options.model, options.device)
    bundle.check_segments()
    if options.explain and options.explained:
        class_of(bundle, options.explained)
    cases = read_cases(table, bundle.metadata["modality_families"], COLUMNS)
    folder = CohortFolder.begin(out, cases, {**options.identity(), "model": bundle.checksum})
    todo = [case for case in cases if options.measure or not folder.done(case.id, options.stages)]
    folder.write_table()
    try:
        if todo:
            _work(folder, todo, options, place, bundle, progress, dashboard)
    finally:
        folder.write_table()
        write_index(folder)
    failed = tuple(case.id for case in cases if (one := folder.outcomes.get(case.id)) and one.status == "failed")
    return Batch(folder, len(cases) - len(todo), failed, time.monotonic() - begun)


def _check_packages() -> None:
    """What the pictures and the index need, before hours of work."""
    for name, package in {"distributed": "Dask", "jinja2": "Jinja2", "PIL": "Pillow"}.items():
        if find_spec(name) is None:
            raise MissingPackageError(
                f"{package} is not installed.", "Install it with: pip install 'multimodalseg[cluster]'"
            )


def _check_apart(table: Path, out: Path) -> None:
    """Results in the folder of the cases would be taken for a case the next time."""
    place = out.resolve()
    if table.is_dir() and table.resolve() in (place, *place.parents):
        raise InputError(f"The results in {out} would lie among the cases in {table}.", "Choose another folder.")


def _work(
    folder: CohortFolder,
    todo: list[CohortCase],
    options: CohortOptions,
    place: Place,
    bundle: Bundle,
    progress: Progress,
    dashboard: Callable[[str], None],
) -> None:
    """Open the workers, look at them, and work until every case has ended."""
    told = Telling(progress, folder, len(folder.cases) - len(todo))
    progress(Event(STAGE, told.done, len(folder.cases), "Starting the workers"))
    with opened(place) as client:
        dashboard(str(client.dashboard_link))
        expected = compared_versions()
        found = looked_at(client, str(folder.path.absolute() / COHORT), expected)
        model = Model(str(bundle.path.absolute()), bundle.name, bundle.checksum)
        tasks = (
            Task(case, folder.run(case.id).absolute(), options, model, expected, neighbours_of(found)) for case in todo
        )
        for outcome in outcomes(client, tasks, run_task, tell=told, hold=lambda: folder.paused):
            folder.keep(outcome)
            told.ended(outcome)
    told.finish()


def looked_at(client: Any, marker: str, expected: tuple[tuple[str, str], ...]) -> dict[str, dict[str, Any]]:
    """What the workers that are there say of themselves; those of a queue may come later.

    Raises:
        ClusterError: a worker lacks this library, has other versions, or does not see the cohort's folder.
    """
    try:
        found: dict[str, Any] = client.run(look, marker, on_error="return")
    except Exception as error:  # Dask hands on whatever the worker raised, a missing library included
        raise _not_here("a worker", error) from error
    for worker, answer in found.items():
        if isinstance(answer, BaseException):
            raise _not_here(worker, answer)
        wrong = differences(expected, answer["versions"])
        if wrong:
            raise refuse(worker, wrong)
        if not answer["sees"]:
            raise ClusterError(
                f"The worker {worker} on {answer['host']} does not see {marker}.",
                "Put the cohort's folder and the volumes on a disk that every machine has under the same path.",
            )
    return found


def _not_here(worker: str, error: BaseException) -> ClusterError:
    return ClusterError(
        f"The worker {worker} cannot run this program ({type(error).__name__}: {error}).",
        "Install the same version of 'multimodalseg[cluster]' on every machine.",
    )


class Telling:
    """Tells how far a cohort is, and keeps its table and index up to date.

    Args:
        progress: takes the events.
        folder: of the cohort.
        done: cases that had finished before.
    """

    def __init__(self, progress: Progress, folder: CohortFolder, done: int) -> None:
        self.done, self.failed = done, 0
        self._progress, self._folder = progress, folder
        self._ids: Iterator[str] = iter(())
        self._last: deque[str] = deque(maxlen=1)
        self._index_at = time.monotonic()

    def ended(self, outcome: Outcome) -> None:
        """A case has ended."""
        self.done += 1
        self.failed += outcome.status == "failed"
        why = f": {outcome.error}" if outcome.error else ""
        self._last.append(f"{outcome.id} {outcome.status}{why}")

    def __call__(self, state: State) -> None:
        """Several times a second."""
        self._folder.write_table(state.running, now=False)
        if time.monotonic() - self._index_at > INDEX_S:
            write_index(self._folder)
            self._index_at = time.monotonic()
        self._progress(Event(STAGE, self.done, len(self._folder.cases), self._message(state)))

    def finish(self) -> None:
        """Every case has ended."""
        failed = f"{self.failed} failed" if self.failed else "all finished"
        self._progress(Event(STAGE, self.done, len(self._folder.cases), failed))

    def _message(self, state: State) -> str:
        parts = [f"{self.failed} failed"] if self.failed else []
        if self._folder.paused:
            parts.append(f"paused, {len(state.running)} running" if state.running else "paused")
        elif not state.workers:
            parts.append("waiting for a worker")
        else:
            parts.append(f"{len(state.running)} running")
        return ", ".join([*parts, *self._last])
