"""What a run is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..scene.nodes import Node


@dataclass(frozen=True)
class Request:
    """What a run shall do; see :meth:`MultimodalSegLogic.start`."""

    reference: tuple[str, Node]
    moving: Mapping[str, Node] = field(default_factory=dict)
    registration: str = "rigid"
    transforms: Mapping[str, Node | str | Path] = field(default_factory=dict)
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
