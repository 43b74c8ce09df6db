"""What the panel has chosen, read from the scene's parameters, and whether a run can start with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import InputError
from ...images.case import MODALITIES
from ..text import _

Node = Any
Parameters = Any
"""The scene's MultimodalSegParameterNode."""

MOVING = (1, 2, 3)
"""Numbers of the volumes besides the reference: ``movingVolume1`` and so on."""

EXISTING = "transform"
"""Kind of registration: the volumes' transforms are chosen by hand."""

AUTOMATIC_KINDS = ("rigid", "affine", "bspline")


@dataclass(frozen=True)
class Choices:
    """One run's inputs.

    Args:
        reference: the reference volume node, or None.
        moving: the other volume nodes, in the order of the panel.
        modalities: of the reference and of each moving volume, in this order.
        registration: ``"none"``, ``"transform"``, ``"rigid"``, ``"affine"`` or ``"bspline"``.
        transforms: by number of the moving volume in ``moving`` the transform node that was chosen for it.
        fixedLandmarks: point list with landmarks in the reference, or None.
        landmarks: by number of the moving volume the point list with the same landmarks in it.
        backend: name of the registration's backend, or ``"auto"``.
        model: name or path of the model.
        region: markups ROI or None.
        output: segmentation node to replace, or None for a new one.
        probabilities: names of classes whose probability maps are kept.
        syntheticDetail: volumes whose detail was made up are to be used all the same.
    """

    reference: Node | None = None
    moving: Sequence[Node] = ()
    modalities: Sequence[str] = ()
    registration: str = "rigid"
    transforms: Mapping[int, Node] = field(default_factory=dict)
    fixedLandmarks: Node | None = None
    landmarks: Mapping[int, Node] = field(default_factory=dict)
    backend: str = "auto"
    model: str = "default"
    region: Node | None = None
    output: Node | None = None
    probabilities: tuple[str, ...] = ()
    syntheticDetail: bool = False

    @property
    def referenceModality(self) -> str:
        """Modality of the reference."""
        return self.modalities[0] if self.modalities else ""

    @property
    def movingByModality(self) -> dict[str, Node]:
        """The moving volumes by their modality."""
        return dict(zip(self.modalities[1:], self.moving, strict=True))

    @property
    def transformsByModality(self) -> dict[str, Node]:
        """The chosen transforms by modality; empty unless the kind of registration asks for them."""
        if self.registration != EXISTING:
            return {}
        return {self.modalities[number + 1]: node for number, node in self.transforms.items()}

    @property
    def landmarksByModality(self) -> dict[str, tuple[Node, Node]]:
        """Point lists in the reference and in a moving volume by modality; empty if no transform has to be found."""
        if not self.aligns or self.fixedLandmarks is None:
            return {}
        return {self.modalities[number + 1]: (self.fixedLandmarks, node) for number, node in self.landmarks.items()}

    @property
    def aligns(self) -> bool:
        """Whether a transform has to be found."""
        return bool(self.moving) and self.registration in AUTOMATIC_KINDS


def modalitiesOf(nodes: Sequence[Node]) -> list[str]:
    """Modality of each volume: as corrected by hand, else guessed; a repeated guess of an MRI becomes plain MR."""
    from ..scene.modality import distinct, guess_from_node
    from ..scene.nodes import MODALITY_ATTRIBUTE

    guesses = [guess_from_node(node) for node in nodes]
    told = [node.GetAttribute(MODALITY_ATTRIBUTE) for node in nodes]
    return [known or guess for known, guess in zip(told, distinct(guesses), strict=True)]


def problemOfInputs(choices: Choices) -> str:
    """Why a run cannot start with these inputs, and what to do, as one sentence; empty if it can."""
    from ..scene.synthetic import is_synthetic

    if choices.reference is None:
        return _("Choose a reference volume.")
    nodes = [choices.reference, *choices.moving]
    for node in nodes:
        if node.GetImageData() is None:
            return _("The volume {name} has no voxels; load it again.").format(name=node.GetName())
    made_up = [node.GetName() for node in nodes if is_synthetic(node)]
    if made_up and not choices.syntheticDetail:
        text = _("The detail of {name} is synthetic; choose the original scan, or tick the box to use it all the same.")
        return text.format(name=made_up[0])
    identifiers = [node.GetID() for node in nodes]
    for number, identifier in enumerate(identifiers):
        if identifier in identifiers[:number]:
            return _("{name} is chosen twice; choose another volume.").format(name=nodes[number].GetName())
    for number, modality in enumerate(choices.modalities):
        if modality not in MODALITIES:
            return _("Choose what kind of image {name} is.").format(name=nodes[number].GetName())
        if modality in choices.modalities[:number]:
            return _("Two volumes are {modality}; correct one of them, or leave one out.").format(modality=modality)
    if choices.aligns and choices.reference.GetParentTransformNode() is not None:
        return _("The reference lies under a transform; harden it or take the volume out of it.")
    return ""


def problemOfLandmarks(choices: Choices) -> str:
    """Why a registration cannot start from the landmarks that are chosen, as one sentence; empty if it can."""
    from ..scene.landmarks import landmarks_of

    if not choices.aligns:
        return ""
    if choices.landmarks and choices.fixedLandmarks is None:
        return _("Choose the landmarks in the reference too, or none.")
    if choices.fixedLandmarks is not None and not choices.landmarks:
        return _("Choose the landmarks in {name} too, or none.").format(name=choices.moving[0].GetName())
    for fixed, moving in choices.landmarksByModality.values():
        try:
            landmarks_of(fixed, moving)
        except InputError as error:
            return error.sentences
    return ""


def problem(choices: Choices, modelProblem: Callable[[Choices], str]) -> str:
    """The first reason why Apply cannot be pressed; empty if it can."""
    return problemOfInputs(choices) or problemOfLandmarks(choices) or modelProblem(choices)


def preselection(nodes: Sequence[Node]) -> tuple[Node | None, list[Node]]:
    """Which volumes to propose: a CT as reference if there is one, and one volume of each further modality.

    Volumes with synthetic detail are not proposed; to use them is for the user to say.
    """
    from ..scene.synthetic import is_synthetic

    nodes = [node for node in nodes if not is_synthetic(node)]
    modalities = modalitiesOf(nodes)
    order = sorted(range(len(nodes)), key=lambda number: (modalities[number] != "CT", number))
    chosen: dict[str, Node] = {}
    for number in order:
        if modalities[number] != "PET":  # few models know it; the user may add it
            chosen.setdefault(modalities[number], nodes[number])
    volumes = list(chosen.values())
    return (volumes[0], volumes[1 : 1 + len(MOVING)]) if volumes else (None, [])
