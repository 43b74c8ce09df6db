"""Section Registration: how the volumes are aligned with the reference."""

from __future__ import annotations

from typing import Any

from ..registration import backend
from ..text import _
from .choices import AUTOMATIC_KINDS, EXISTING, MOVING, Choices, Parameters
from .widgets import chosen, fill, select


class RegistrationSection:
    """Kind of alignment, the program that finds it, and transforms chosen by hand.

    Args:
        ui: the form's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.parameters: Parameters | None = None
        kinds = {
            "rigid": _("Rigid"),
            "affine": _("Affine"),
            "bspline": _("B-spline"),
            EXISTING: _("Existing transforms"),
            "none": _("None"),
        }
        fill(ui.registrationBox, kinds)
        backends = ("auto", *backend.available())
        fill(ui.backendBox, {name: backend.shown_name(name) for name in backends})
        ui.registrationBox.connect("activated(int)", lambda _index: self.onChosen())
        ui.backendBox.connect("activated(int)", lambda _index: self.onChosen())

    def setParameters(self, parameters: Parameters | None) -> None:
        """Show these parameters from now on."""
        self.parameters = parameters

    def onChosen(self) -> None:
        """The user has chosen a kind or a backend."""
        if self.parameters is not None:
            self.parameters.registration = chosen(self.ui.registrationBox)
            self.parameters.backend = chosen(self.ui.backendBox)

    def update(self, choices: Choices) -> None:
        """Show what is chosen."""
        select(self.ui.registrationBox, choices.registration)
        select(self.ui.backendBox, choices.backend)
        automatic = choices.registration in AUTOMATIC_KINDS
        self.ui.backendLabel.visible = self.ui.backendBox.visible = automatic
        for number in MOVING:
            there = self.parameters is not None and getattr(self.parameters, f"movingVolume{number}") is not None
            shown = there and choices.registration == EXISTING
            getattr(self.ui, f"transform{number}Label").visible = shown
            getattr(self.ui, f"transformSelector{number}").visible = shown
            if there:
                name = getattr(self.parameters, f"movingVolume{number}").GetName()
                getattr(self.ui, f"transform{number}Label").text = short(name) + ":"
        self.ui.registrationMessage.text = _explanation(choices)


def short(name: str, length: int = 12) -> str:
    """A name that leaves room beside it."""
    return name if len(name) <= length else name[: length - 1] + "…"


def _explanation(choices: Choices) -> str:
    if not choices.moving:
        return _("With one volume there is nothing to align.")
    return {
        "rigid": _("Moves and turns. Right for scans of one head."),
        "affine": _("Also stretches and shears: for scans with wrong voxel sizes."),
        "bspline": _("Also bends: for distorted scans. Look at the result with care."),
        EXISTING: _("The transforms chosen here are used as they are."),
        "none": _("The volumes are used as they lie in the scene, with their transforms."),
    }.get(choices.registration, "")
