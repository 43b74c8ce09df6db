"""One run from the nodes of the scene to the nodes of its result; nothing here waits, :meth:`Run.poll` moves it on."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import MultimodalSegError
from ..packages import slicer
from ..process import failures
from ..process.child import ChildRun, RunProgress
from ..scene.nodes import Node
from ..signal import Signal
from ..text import _
from . import exchange
from .registrations import Registrations
from .request import Request
from .result import Inputs, Result
from .results import Loader


class Run:
    """A run that is on.

    Exactly one of ``finished(Result)``, ``failed(kind, message, hint)`` and ``cancelled()`` is emitted, after
    ``progress(RunProgress)``; all from within :meth:`poll`. When one of the three comes, no process is left.

    Args:
        request: what to do.
        python: see :class:`~MultimodalSegLib.slicerside.process.child.ChildRun`.

    Raises:
        MultimodalSegError: what can be seen at once to be wrong.
    """

    def __init__(self, request: Request, *, python: str | None = None) -> None:
        self.progress, self.finished, self.failed, self.cancelled = Signal(), Signal(), Signal(), Signal()
        self.failure: failures.Failure | None = None
        self.result: Result | None = None
        self._request, self._python = request, python
        self._to_emit: list[tuple[Signal, tuple[Any, ...]]] = []
        self._log: list[str] = []
        self._cancelled = False
        self._child: ChildRun | None = None
        self._registering: Registrations | None = None
        self._found: dict[str, Node] = {}
        self._writer = threading.Thread(target=self._write, name="handing over", daemon=True)
        self._written: dict[str, Path] | BaseException | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="MultimodalSeg-", dir=getattr(slicer.app, "temporaryPath", None)))
        try:
            self._plan = self._planned()
        except BaseException:
            self._remove_files()
            raise
        self._step: Callable[[], object] | None = self._begin

    @property
    def running(self) -> bool:
        """Whether the end is still to be told."""
        return self._step is not None or bool(self._to_emit)

    @property
    def folder(self) -> Path:
        """The temporary folder; the run folder is ``run`` in it."""
        return self._folder

    @property
    def log(self) -> str:
        """What happened, to be shown and copied."""
        parts = ["\n".join(self._log), *(work.log for work in (self._registering, self._child) if work is not None)]
        return "\n".join(part for part in parts if part)

    def poll(self) -> bool:
        """Move the run on and emit what has happened, without waiting (only the end, when nodes are made, takes long).

        Returns:
            Whether the run is still on.
        """
        if self._step is not None:
            try:
                self._step()
            except Exception as error:
                self._fail(failures.from_exception(error), error)
        while self._to_emit:  # the state is settled by now, whatever a listener does
            signal, arguments = self._to_emit.pop(0)
            signal.emit(*arguments)
        return self.running

    def cancel(self, *, waitSeconds: float = 0.0) -> None:
        """Stop; all processes are killed at once, nothing is left in the scene.

        Args:
            waitSeconds: poll for so long that ``cancelled`` is emitted before this returns.
        """
        if self._step is None:
            return
        if not self._cancelled:
            self._cancelled = True
            running = [work for work in (self._registering, self._child) if work is not None and work.running]
            for work in running:
                work.cancel()
            if not running:  # the files are being written, or the result is about to be loaded
                self._end(self.cancelled)
        end = time.monotonic() + waitSeconds
        while time.monotonic() < end and self.poll():
            time.sleep(0.01)

    def wait(self, *, processEvents: Callable[[], None] | None = None) -> Result:
        """Poll until the end; for scripts.

        Raises:
            MultimodalSegError: the run has failed or was cancelled.
        """
        while self.poll():
            if processEvents is not None:
                processEvents()
            time.sleep(0.02)
        if self.result is not None:
            return self.result
        raise (self.failure or failures.told("cancelled", _("The run was cancelled."))).error()

    def _planned(self) -> exchange.Plan:
        request = self._request
        return exchange.plan(
            request.reference,
            request.moving,
            self._folder / "transforms",
            registration="none" if request.aligned_here else request.registration,
            transforms={**request.transforms, **self._found},
            landmarks=request.landmarks,
            roi=request.roi,
        )

    def _begin(self) -> None:
        if self._request.aligned_here:
            work = Registrations(self._request)
            work.progress.connect(self._tell)
            work.finished.connect(self._registered)
            work.failed.connect(lambda *failure: self._fail(failures.told(*failure)))
            work.cancelled.connect(lambda: self._end(self.cancelled))
            self._registering = work
            self._step = work.poll
        else:
            self._hand_over()

    def _registered(self, found: dict[str, Node]) -> None:
        self._found = found
        self._plan = self._planned()
        self._step = self._hand_over

    def _hand_over(self) -> None:
        self._tell(RunProgress("prepare", 0, 1, _("handing over the volumes")))
        self._writer.start()
        self._step = self._wait_for_files

    def _write(self) -> None:
        """In a thread."""
        try:
            self._written = exchange.write(self._plan, self._folder / "inputs")
        except BaseException as error:
            self._written = error

    def _wait_for_files(self) -> None:
        if self._writer.is_alive():
            return
        if not isinstance(self._written, dict):
            raise self._written or RuntimeError("nothing was written")
        request = self._request
        arguments = exchange.segment_arguments(
            self._written,
            self._folder / "run",
            reference=request.reference[0],
            registration=request.registration,
            transforms=self._plan.transforms,
            landmarks=self._plan.landmarks,
            model=request.model,
            probabilities=request.probabilities,
            device=request.device,
            threads=request.threads,
            memory_limit_mb=request.memory_limit_mb,
            synthetic_detail=request.synthetic_detail,
        )
        child = ChildRun(arguments, python=self._python)
        child.progress.connect(self._tell)
        child.finished.connect(self._load)
        child.failed.connect(lambda *failure: self._fail(failures.Failure(*failure)))
        child.cancelled.connect(lambda: self._end(self.cancelled))
        child.start()
        self._child = child
        self._tell(RunProgress("start", 0, 1, _("starting")))
        self._step = child.poll

    def _load(self, told: Mapping[str, Any]) -> None:
        """The child has finished: say so, and make the nodes at the next poll, so that the panel can show it."""
        self._tell(RunProgress("load", 0, 1, _("showing the result")))
        self._step = self._show

    def _show(self) -> None:
        request = self._request
        nodes = {name: node for name, node in request.transforms.items() if not isinstance(node, (str, Path))}
        given, plan = {**nodes, **self._found}, self._plan
        inputs = Inputs(request.reference[1], request.moving, plan.placements, given, plan.trusted)
        result = Loader(self._folder / "run", inputs, request.output).load()
        self.result = result if request.keeps_run else result.withoutFiles()
        self._found.clear()  # they belong to the result now
        self._end(self.finished, self.result)

    def _tell(self, event: RunProgress) -> None:
        self._to_emit.append((self.progress, (event,)))

    def _fail(self, failure: failures.Failure, error: BaseException | None = None) -> None:
        if error is not None and not isinstance(error, MultimodalSegError):
            import traceback

            self._log += traceback.format_exception(error)
        self._log.append(f"{failure.message} {failure.hint}")
        self.failure = failure
        self._end(self.failed, failure.kind, failure.message, failure.hint)
        for work in (self._registering, self._child):
            if work is not None and work.running:
                work.cancel(wait_s=1.0)

    def _end(self, signal: Signal, *arguments: Any) -> None:
        if self._step is None:
            return
        self._step = None
        self._to_emit.append((signal, arguments))
        for node in self._found.values():  # transforms of a run without a result
            if slicer.mrmlScene.IsNodePresent(node):
                slicer.mrmlScene.RemoveNode(node)
        if self._request.keep_files:
            self._log.append(_("The files are kept in {folder}.").format(folder=self._folder))
            return
        kept = (self._request.keep_run and signal is self.finished,)
        threading.Thread(target=self._remove_files, args=kept, name="cleaning up").start()

    def _remove_files(self, keep_run: bool = False) -> None:
        """Remove the temporary folder, in a thread: the writer may be at work, and large files take a while."""
        with suppress(RuntimeError):  # it was never started
            self._writer.join()
        for path in (self._folder / "inputs", self._folder / "transforms") if keep_run else (self._folder,):
            shutil.rmtree(path, ignore_errors=True)
