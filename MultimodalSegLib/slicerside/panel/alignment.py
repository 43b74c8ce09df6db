"""Two buttons with which to look at an alignment in the slice views: Blink and Checkerboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import MultimodalSegError
from ...images.volume import Volume
from ..packages import slicer
from ..registration.quality_gate import QualityCheck, Verdict
from ..registration.quality_view import AlignmentView
from .choices import Node
from .widgets import timer

BLINK_MS = 500


@dataclass(frozen=True)
class ComparedPair:
    """Two volumes that are looked at together.

    Args:
        reference: volume node.
        moving: volume node.
        transform: transform node that takes the moving volume to the reference; None to compare them as they lie.
        modalities: of both.
        board: the checkerboard, None if it is still to be made.
    """

    reference: Node
    moving: Node
    transform: Node | None
    modalities: tuple[str, str]
    board: Volume | None = None


class AlignmentButtons:
    """Makes the two buttons work; at most one of them is pressed.

    Args:
        blink: checkable button.
        checkerboard: checkable button.
        subject: says what to look at, None if there is nothing.
    """

    def __init__(self, blink: Any, checkerboard: Any, subject: Callable[[], ComparedPair | None]) -> None:
        self.blink, self.checkerboard, self.subject = blink, checkerboard, subject
        self._view: AlignmentView | None = None
        self._check: QualityCheck | None = None
        self._subject: ComparedPair | None = None
        self._timer = timer(BLINK_MS, self.onTimer)
        blink.connect("clicked(bool)", self.onBlink)
        checkerboard.connect("clicked(bool)", self.onCheckerboard)

    def onBlink(self, on: bool) -> None:
        """Show the two volumes in turn, or stop."""
        self.checkerboard.checked = False
        if on and self._open():
            assert self._view is not None
            self._view.overlay(0.0)
            self._timer.start()
        else:
            self.stop()

    def onCheckerboard(self, on: bool) -> None:
        """Show squares of both volumes, or stop. They are computed in a thread."""
        self.blink.checked = False
        if not (on and self._open()):
            self.stop()
            return
        assert self._view is not None and self._subject is not None
        if self._subject.board is not None:
            self._timer.stop()
            self._view.checkerboard(self._subject.board)
            return
        subject = self._subject
        try:
            self._check = QualityCheck(subject.reference, subject.moving, subject.transform, subject.modalities)
        except MultimodalSegError:
            self.stop()
            return
        self._check.finished.connect(self._onBoard)
        self._check.start()
        self._timer.start()

    def onTimer(self) -> None:
        """The next moment of blinking, or a look whether the checkerboard is there."""
        if self._subject is None or not slicer.mrmlScene.IsNodePresent(self._subject.moving):
            self.stop()
        elif self._check is not None:
            self._check.poll()
        elif self._view is not None and self.blink.checked:
            self._view.blink()

    def overlay(self) -> None:
        """Show the moving volume over the reference without a button pressed."""
        if self._open():
            assert self._view is not None
            self._view.overlay()

    def stop(self, *, keepTransform: bool = True) -> None:
        """Show what was shown before.

        Args:
            keepTransform: leave the moving volume under the transform that was looked at.
        """
        self._timer.stop()
        self.blink.checked = self.checkerboard.checked = False
        if self._check is not None:
            self._check.cancel()
        view, self._view, self._check, self._subject = self._view, None, None, None
        if view is not None:
            view.end(keep_transform=keepTransform)

    def _open(self) -> bool:
        """Have a view of the present subject, whether it was open or not."""
        subject = self.subject()
        if subject is None:
            return False
        if self._view is None or subject != self._subject:
            self.stop()
            self._view = AlignmentView(subject.reference, subject.moving, subject.transform)
            self._subject = subject
        return True

    def _onBoard(self, verdict: Verdict, board: Volume | None) -> None:
        self._timer.stop()
        self._check = None
        if board is None or self._view is None:
            self.stop()
        else:
            self._view.checkerboard(board)
