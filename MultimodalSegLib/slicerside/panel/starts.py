"""From where the alignments of one run begin: landmarks, or a transform that the user has corrected."""

from __future__ import annotations

from ...registration.landmarks import Landmarks
from ..registration.running import remove
from ..scene.landmarks import start_node, taken
from .choices import Choices, Node


class Starts:
    """The starts of the volumes of one run; a volume without one is searched for.

    Args:
        choices: what the panel has chosen.
    """

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._corrected: set[str] = set()
        self._fit: Node | None = None
        self.landmarks: dict[str, Landmarks] = {}
        """Landmarks by modality, in the volumes' own spaces, as they were at :meth:`read`."""

    def read(self) -> None:
        """Look at the landmarks, once.

        Raises:
            InputError: they cannot be used.
        """
        moving = self._choices.movingByModality
        for modality, (fixed, points) in self._choices.landmarksByModality.items():
            self.landmarks[modality] = taken(fixed, points, self._choices.reference, moving[modality])

    def correct(self, modality: str) -> None:
        """From now on begin with the transform under which the volume lies."""
        self._corrected.add(modality)

    def of(self, modality: str) -> Node | None:
        """The transform node from which to start, None for a search; :meth:`drop` it when the alignment has ended."""
        reference = self._choices.reference
        if modality in self._corrected:
            free = reference is not None and reference.GetParentTransformNode() is None
            return self._choices.movingByModality[modality].GetParentTransformNode() if free else None
        if modality in self.landmarks:
            self._fit = start_node(self.landmarks[modality], reference)
        return self._fit

    def drop(self) -> None:
        """Take away what :meth:`of` has put into the scene."""
        remove(self._fit)
        self._fit = None
