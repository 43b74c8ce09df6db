"""The way of one run: align each volume, ask about a doubtful alignment, segment. Without Qt; nothing here waits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import MultimodalSegError
from ...images.volume import Volume
from ..packages import slicer
from ..process.child import RunProgress
from ..registration import backend
from ..registration.quality_gate import QualityCheck, Verdict
from ..signal import Signal
from ..text import _
from .choices import Choices, Node
from .starts import Starts


@dataclass(frozen=True)
class DoubtfulAlignment:
    """An alignment that must not be used without being asked about.

    Args:
        modality: of the moving volume.
        moving: the volume node.
        transform: the transform node that was found; the volume is not put under it yet.
        verdict: what speaks against it.
        board: the checkerboard of both volumes, if it could be made.
    """

    modality: str
    moving: Node
    transform: Node
    verdict: Verdict
    board: Volume | None


class Flow:
    """One run from Apply to its end.

    Signals: ``progress(RunProgress)``, ``question(DoubtfulAlignment)``, ``finished(Result)``,
    ``failed(kind, message, hint)``, ``cancelled()``. After ``question`` nothing happens until :meth:`goOn`,
    :meth:`alignAgain` or :meth:`cancel`.

    Args:
        logic: the library's logic.
        choices: what the panel has chosen.
        options: further arguments of the logic's ``start``: device, threads, memoryLimitMb, keepFiles.
    """

    def __init__(self, logic: Any, choices: Choices, options: Mapping[str, Any]) -> None:
        self.progress, self.question = Signal(), Signal()
        self.finished, self.failed, self.cancelled = Signal(), Signal(), Signal()
        self.logic, self.choices, self.options = logic, choices, dict(options)
        self.transforms: dict[str, Node] = dict(choices.transformsByModality)
        self.notes: list[str] = []
        self.pending: DoubtfulAlignment | None = None
        self.running = False
        self._left = list(choices.movingByModality) if choices.aligns else []
        self._work: Any = None
        self._check: QualityCheck | None = None
        self._starts = Starts(choices)
        self._found: list[Node] = []
        self._logs: list[str] = []
        self._seconds, self._since = 0.0, time.monotonic()

    def start(self) -> None:
        """Begin."""
        self.running, self._since = True, time.monotonic()
        try:
            self._starts.read()
        except MultimodalSegError as error:
            self._end(self.failed, error.kind, error.message, error.hint)
            return
        self._next()

    def poll(self) -> bool:
        """Let happen what has happened since the last call; True while the run is on, a question included."""
        for work in (self._work, self._check):
            if work is not None:
                work.poll()
        return self.running

    def cancel(self) -> None:
        """Stop, or go back when asked a question; ``cancelled`` comes when nothing runs anymore."""
        if not self.running:
            return
        self._left = []
        if self._check is not None:
            self._check.cancel()
        if self.pending is None and self._work is not None and self._work.running:
            self._work.cancel()
        else:
            self._end(self.cancelled)

    def goOn(self) -> None:
        """Use the alignment that was asked about."""
        question, self.pending = self.pending, None
        if question is not None:
            self._since = time.monotonic()
            self.notes += question.verdict.sentences
            self.transforms[question.modality] = question.transform
            self._next()

    def alignAgain(self) -> None:
        """Look for the alignment again; the volume lies under the transform, as corrected, from which to start."""
        question, self.pending = self.pending, None
        if question is not None:
            self._since = time.monotonic()
            self._left.insert(0, question.modality)
            self._starts.correct(question.modality)
            self._next()

    @property
    def seconds(self) -> float:
        """How long the run has taken until now, without the time for which it waited for an answer."""
        return self._seconds + (time.monotonic() - self._since if self.running and self.pending is None else 0.0)

    @property
    def log(self) -> str:
        """What the parts of the run wrote."""
        return "\n".join(text for text in (*self._logs, self._work.log if self._work is not None else "") if text)

    def _next(self) -> None:
        try:
            if self._left:
                self._align(self._left.pop(0))
            else:
                self._segment()
        except MultimodalSegError as error:
            self._end(self.failed, error.kind, error.message, error.hint)

    def _align(self, modality: str) -> None:
        choices = self.choices
        moving = choices.movingByModality[modality]
        run = backend.registration_run(
            choices.reference,
            moving,
            choices.registration,
            backend=choices.backend,
            modalities=(choices.referenceModality, modality),
            initial=self._starts.of(modality),
        )
        run.finished.connect(lambda transform: self._aligned(modality, moving, transform))
        self._follow(run)

    def _aligned(self, modality: str, moving: Node, transform: Node) -> None:
        """Examine the alignment, in a thread."""
        choices = self.choices
        self._found.append(transform)
        self._starts.drop()
        if _removed(moving) or _removed(choices.reference):
            self._end(self.failed, "input", _("A volume was deleted during the run."), _("Choose the volumes again."))
            return
        self._tell(RunProgress("check", 0, 1))
        try:
            modalities, landmarks = (choices.referenceModality, modality), self._starts.landmarks.get(modality)
            self._check = QualityCheck(choices.reference, moving, transform, modalities, landmarks)
        except MultimodalSegError as error:
            self._end(self.failed, error.kind, error.message, error.hint)
            return
        self._check.finished.connect(lambda verdict, board: self._judged(modality, transform, verdict, board))
        self._check.start()

    def _judged(self, modality: str, transform: Node, verdict: Verdict, board: Volume | None) -> None:
        """Go on with a good alignment, with a remark where it should be looked at; ask about a poor one."""
        self._check = None
        if verdict.level == "poor":
            self._seconds = self.seconds
            self.pending = DoubtfulAlignment(
                modality, self.choices.movingByModality[modality], transform, verdict, board
            )
            self.question.emit(self.pending)
            return
        if verdict.level == "look":
            self.notes += verdict.sentences
        self.transforms[modality] = transform
        self._next()

    def _segment(self) -> None:
        choices = self.choices
        run = self.logic.start(
            choices.reference,
            choices.movingByModality,
            referenceModality=choices.referenceModality,
            registration=choices.registration if choices.aligns else "none",
            transforms=self.transforms,
            landmarks=self._starts.landmarks,
            model=choices.model,
            roiNode=choices.region,
            probabilities=choices.probabilities,
            outputSegmentation=choices.output,
            keepRun=True,
            syntheticDetail=choices.syntheticDetail,
            **self.options,
        )
        run.finished.connect(lambda result: self._end(self.finished, result))
        self._follow(run, started=True)

    def _follow(self, run: Any, *, started: bool = False) -> None:
        """Listen to a part of the run, and start it."""
        if self._work is not None:
            self._logs.append(self._work.log)
        self._work = run
        run.progress.connect(self._tell)
        run.failed.connect(lambda kind, message, hint: self._end(self.failed, kind, message, hint))
        run.cancelled.connect(lambda: self._end(self.cancelled))
        if not started:
            run.start()

    def _tell(self, event: RunProgress) -> None:
        self.progress.emit(event)

    def _end(self, signal: Signal, *arguments: Any) -> None:
        if self.running:
            self._seconds = self.seconds
            self.running, self.pending = False, None
            self._starts.drop()
            if signal is not self.finished:
                self._forgetTransforms()
            signal.emit(*arguments)

    def _forgetTransforms(self) -> None:
        """Transforms of a run without a result go, but for those under which a volume lies: the user looks at it."""
        used = {node.GetTransformNodeID() for node in self.choices.moving if not _removed(node)}
        for node in self._found:
            if not _removed(node) and node.GetID() not in used:
                slicer.mrmlScene.RemoveNode(node)


def _removed(node: Node) -> bool:
    return not slicer.mrmlScene.IsNodePresent(node)
