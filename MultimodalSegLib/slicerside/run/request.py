"""What a run is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import InputError
from ...registration.landmarks import Landmarks
from ..scene.nodes import Node
from ..text import _

REGISTRATIONS = ("none", "rigid", "affine", "bspline")


@dataclass(frozen=True)
class Request:
    """What a run shall do; see :meth:`MultimodalSegLogic.start`.

    Raises:
        InputError: an unknown registration, or a moving volume that cannot be one.
    """

    reference: tuple[str, Node]
    moving: Mapping[str, Node] = field(default_factory=dict)
    registration: str = "rigid"
    transforms: Mapping[str, Node | str | Path] = field(default_factory=dict)
    landmarks: Mapping[str, Landmarks] = field(default_factory=dict)
    backend: str = "simpleitk"
    model: str = "default"
    device: str = "auto"
    threads: int | None = None
    memory_limit_mb: int | None = None
    roi: Node | None = None
    probabilities: tuple[str, ...] = ()
    output: Node | None = None
    keep_files: bool = False
    keep_run: bool = False
    synthetic_detail: bool = False

    def __post_init__(self) -> None:
        if self.registration not in REGISTRATIONS:
            raise InputError(
                _("Unknown registration {name!r}.").format(name=self.registration),
                _("Use one of {names}.").format(names=", ".join(REGISTRATIONS)),
            )
        if any(node is None or node is self.reference[1] for node in self.moving.values()):
            raise InputError(
                _("A moving volume is missing, or is the reference itself."), _("Choose the moving volumes again.")
            )

    @property
    def keeps_run(self) -> bool:
        """Whether the run folder outlasts the run."""
        return self.keep_files or self.keep_run

    @property
    def unaligned(self) -> tuple[str, ...]:
        """Moving volumes without a known transform."""
        return tuple(name for name in self.moving if name not in self.transforms)

    @property
    def aligned_here(self) -> bool:
        """Whether volumes are registered by a module of the application and not by the child process."""
        return self.backend != "simpleitk" and self.registration != "none" and bool(self.unaligned)
