"""What is asked between registration and segmentation: is this alignment good enough?

A poor alignment is never used silently: its :class:`Verdict` says so in sentences, and the user decides to go on, to
start from another transform, or to go back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...errors import MultimodalSegError, RegistrationError
from ...images.volume import Volume
from ...registration.aligned import Quality
from ...registration.landmarks import Landmarks, errors_text, moved_away
from ..process.background import Background
from ..scene.nodes import Node
from ..scene.transforms import transform_later
from ..scene.volume_input import volume_input
from ..text import _

if TYPE_CHECKING:
    import SimpleITK as sitk

Level = Literal["good", "look", "poor"]

POOR_HEAD_OVERLAP = 0.6
LOST_INFORMATION = 0.02
"""Nats by which mutual information may be less than before without being a sign of failure."""
USUAL_VOLUME_CHANGE = (0.5, 2.0)
"""Range of the Jacobian determinant that a bent neck or a shifted brain can explain."""
LOW_COVERAGE = 0.5


@dataclass(frozen=True)
class Verdict:
    """What is thought of one alignment.

    Args:
        level: ``"good"``, ``"look"`` (at it, before the result is used) or ``"poor"`` (do not use it unseen).
        sentences: why, for a person; the first says it in short.
        quality: the measurement, None if the heads do not meet at all.
        jacobian: smallest and largest relative change of volume, for a transform that bends.
        coverage: part of the reference's field of view that the moving volume covers, if measured.
    """

    level: Level
    sentences: tuple[str, ...]
    quality: Quality | None = None
    jacobian: tuple[float, float] | None = None
    coverage: float | None = None

    @property
    def text(self) -> str:
        """All sentences."""
        return " ".join(self.sentences)


def judge(
    quality: Quality,
    jacobian: tuple[float, float] | None = None,
    covered: float | None = None,
    name: str = "",
    errors: Mapping[str, float] | None = None,
) -> Verdict:
    """Judge a measured alignment.

    Args:
        quality: from the registration, or :func:`MultimodalSegLib.registration.register.measure`.
        jacobian: from :func:`jacobian_range`; None for a transform that does not bend.
        covered: part of the reference grid that is covered, if known.
        name: what was aligned, such as ``"T1 to CT"``.
        errors: of its landmarks (:meth:`~MultimodalSegLib.registration.landmarks.Landmarks.errors`), if there are any.
    """
    from ...registration.register import LOW_HEAD_OVERLAP

    poor: list[str] = []
    look: list[str] = []
    unknown = quality.light == "unknown"
    if not unknown and quality.light != "green":
        (poor if quality.light == "red" else look).append(_sentence(quality.light_reason))
    if quality.head_overlap < POOR_HEAD_OVERLAP:
        poor.append(_("The heads overlap by only {value:.2f} (1 is best).").format(value=quality.head_overlap))
    elif unknown and quality.head_overlap < LOW_HEAD_OVERLAP:
        look.append(_("The heads overlap by {value:.2f} (1 is best).").format(value=quality.head_overlap))
    before, after = quality.mutual_information_before, quality.mutual_information_after
    if after < before - LOST_INFORMATION:
        poor.append(_("The images have less in common than before the registration."))
    elif unknown and not quality.converged:
        reason = quality.message.split(";")[0] or _("the search did not end by itself")
        look.append(_("The registration may not have found the best position: {reason}.").format(reason=reason))
    if jacobian is not None and jacobian[0] <= 0.0:
        poor.append(_("The transform folds tissue onto itself."))
    elif jacobian is not None and not USUAL_VOLUME_CHANGE[0] <= jacobian[0] <= jacobian[1] <= USUAL_VOLUME_CHANGE[1]:
        look.append(
            _("The transform changes volumes by factors from {low:.2f} to {high:.2f}.").format(
                low=jacobian[0], high=jacobian[1]
            )
        )
    if covered is not None and covered < LOW_COVERAGE:
        look.append(_("Only {part:.0%} of the reference volume is covered.").format(part=covered))
    if errors and moved_away(errors):
        look.append(_("The registration moved away from the landmarks."))
    level: Level = "poor" if poor else "look" if look else "good"
    figures = _("Mutual information {before:.3f} before and {after:.3f} after, overlap of the heads {overlap:.2f}.")
    figures = figures.format(before=before, after=after, overlap=quality.head_overlap)
    sentences = (_headline(level, name), *poor, *look, error_sentence(quality), landmark_sentence(errors), figures)
    return Verdict(level, tuple(filter(None, sentences)), quality, jacobian, covered)


def error_sentence(quality: Quality) -> str:
    """The estimated error and its light in words; empty where a search for it found nothing to say."""
    if quality.error_text:
        light = quality.light_text if quality.light == "green" else quality.light
        return _("Estimated error {error} ({light}).").format(error=quality.error_text, light=light)
    if quality.light == "unknown" and quality.light_reason:
        return _("The error is not known: {reason}.").format(reason=quality.light_reason)
    return ""


def landmark_sentence(errors: Mapping[str, float] | None) -> str:
    """The errors of landmarks in words; empty without landmarks."""
    return _("{count} landmarks: {text}.").format(count=errors["count"], text=errors_text(errors)) if errors else ""


def error_sentences(record: Mapping[str, Any]) -> list[str]:
    """What is known of the error of each alignment of a finished run.

    Args:
        record: content of ``run.json``.
    """
    entries = record.get("registration", {})
    told = [(name, error_sentence(Quality.of(entry))) for name, entry in entries.items()]
    told += [(name, landmark_sentence(entry.get("landmarks"))) for name, entry in entries.items()]
    return [f"{name}: {sentence}" for name, sentence in told if sentence]


def _sentence(part: str) -> str:
    """A part of a sentence as a whole one."""
    return f"{part[:1].upper()}{part[1:]}." if part else ""


def poor_verdict(error: MultimodalSegError, name: str = "") -> Verdict:
    """The verdict on an alignment that cannot even be measured."""
    return Verdict("poor", tuple(filter(None, (_headline("poor", name), error.message, error.hint))))


def examine(
    reference: Volume,
    moving: Volume,
    transform: sitk.Transform,
    modalities: tuple[str, str] = ("", ""),
    before: sitk.Transform | None = None,
    landmarks: Landmarks | None = None,
) -> Verdict:
    """Measure and judge an alignment; takes a second or two, so call it in a thread.

    Args:
        reference: the volume that stays.
        moving: the volume on its own grid.
        transform: reference points to moving points, LPS mm.
        modalities: names of both; may be empty.
        before: the alignment they came with; None means the headers'.
        landmarks: places in both volumes, in their own spaces, whose error is told.
    """
    from ...images.resample import coverage
    from ...registration.pyramid import build_pyramid
    from ...registration.quality import Comparison
    from ...registration.register import measure
    from ...registration.reliability import judge as estimated
    from .alignment_measures import jacobian_range

    name = " to ".join(filter(None, reversed(modalities)))
    try:
        pyramids = build_pyramid(reference, modalities[0]), build_pyramid(moving, modalities[1])
        quality = measure(Comparison.of(*pyramids), before, transform, reason=_("the transform was measured"))
        quality = estimated(*pyramids, transform, modalities).of(quality)
        bends = None if transform.IsLinear() else jacobian_range(transform, reference.grid)
    except RegistrationError as error:
        return poor_verdict(error, name)
    errors = landmarks.errors(transform) if landmarks is not None else None
    return judge(quality, bends, coverage(moving, reference.grid, transform), name, errors)


class QualityCheck(Background):
    """Examines an alignment of two nodes while the application goes on; nothing is changed in the scene.

    Signals, from ``poll()``: ``finished(Verdict, Volume)``; the volume is a
    :func:`~MultimodalSegLib.slicerside.registration.alignment_measures.checkerboard`, or None if there cannot be one.

    Args:
        reference: volume node that stays.
        moving: volume node.
        transform: transform node under which the moving volume would lie; None for where it lies now.
        modalities: names of both modalities.
        landmarks: places in both volumes, in their own spaces.
    """

    def __init__(
        self,
        reference: Node,
        moving: Node,
        transform: Node | None,
        modalities: tuple[str, str] = ("", ""),
        landmarks: Landmarks | None = None,
    ) -> None:
        super().__init__(self._examine)
        self._inputs = volume_input(reference), volume_input(moving)
        parent = moving.GetParentTransformNode()
        self._transform = transform_later(transform if transform is not None else parent, reference)
        self._before = transform_later(parent, reference) if parent is not None else None
        self._modalities, self._landmarks = modalities, landmarks

    def _examine(self) -> tuple[Verdict, Volume | None]:
        """In a thread, which also imports what is needed: the interface has no time for it."""
        try:
            from .alignment_measures import checkerboard

            transform = self._transform()
            before = self._before() if self._before is not None else None
            here, there = (Volume(entry.array.astype(np.float32), entry.grid) for entry in self._inputs)
            verdict = examine(here, there, transform, self._modalities, before, self._landmarks)
            if verdict.quality is None:
                return verdict, None
            return verdict, checkerboard(here, there, transform, self._modalities)
        except Exception as error:  # whatever it is, the user can still look
            text = _("The alignment could not be measured: {reason}").format(reason=error)
            return Verdict("look", (text, _("Look at the slices before you go on."))), None

    def _tell(self, result: tuple[Verdict, Volume | None]) -> None:
        self.finished.emit(*result)


def _headline(level: Level, name: str) -> str:
    what = name or _("The registration")
    if level == "good":
        return _("{name}: the alignment looks right.").format(name=what)
    if level == "look":
        return _("{name}: look at the alignment before you go on.").format(name=what)
    return _("{name}: the alignment is poor.").format(name=what)
