"""Looking at an alignment in the slice views: overlay, blinking, and a checkerboard."""

from __future__ import annotations

from ...images.volume import Volume
from ..packages import slicer
from ..scene.landmarks import put_under
from ..scene.nodes import LPS_TO_RAS, Node
from ..scene.slice_views import SliceViews, composite_nodes
from .running import remove

BOARD = "Checkerboard of the registration"


class AlignmentView:
    """Shows a moving volume over the reference, under the transform to be judged; remembers what was shown before.

    Blinking needs somebody who calls :meth:`blink` twice a second or so, in the application a timer.

    Args:
        reference: volume node.
        moving: volume node; lies under ``transform`` while the view is on.
        transform: transform node; None for volumes that are compared as they lie.
    """

    def __init__(self, reference: Node, moving: Node, transform: Node | None) -> None:
        self.reference, self.moving, self.transform = reference, moving, transform
        self._parent = moving.GetTransformNodeID()
        self._views = SliceViews()
        self._board: Node | None = None
        if transform is not None:
            put_under(moving, transform.GetID())

    def overlay(self, opacity: float = 0.5) -> None:
        """The moving volume over the reference."""
        self._views.show(self.reference, self.moving, opacity)

    def blink(self) -> None:
        """Show the one volume where the other was."""
        shown = [node.GetForegroundOpacity() for node in composite_nodes()]
        self._views.show(self.reference, self.moving, 0.0 if shown and shown[0] > 0.5 else 1.0)

    def checkerboard(self, board: Volume) -> None:
        """Show squares of both, from :func:`~MultimodalSegLib.slicerside.registration.quality_gate.checkerboard`."""
        if self._board is None:
            affine = LPS_TO_RAS @ board.grid.affine
            self._board = slicer.util.addVolumeFromArray(board.array, affine, BOARD)
            self._board.SetSaveWithScene(False)
            self._board.SetAndObserveTransformNodeID(self.reference.GetTransformNodeID())
            display = self._board.GetDisplayNode()
            display.AutoWindowLevelOff()
            display.SetWindowLevelMinMax(0.0, 1.0)
        self._views.show(self._board, None, 0.0)

    def end(self, *, keep_transform: bool) -> None:
        """Show what was shown before.

        Args:
            keep_transform: leave the moving volume under the transform; otherwise it goes back where it was.
        """
        self._views.restore()
        if self.transform is not None and not keep_transform and slicer.mrmlScene.IsNodePresent(self.moving):
            put_under(self.moving, self._parent)
        if self._board is not None and slicer.mrmlScene.IsNodePresent(self._board):
            display = self._board.GetDisplayNode()
            remove(self._board)
            remove(display)
        self._board = None
