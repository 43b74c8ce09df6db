"""What is to be done with every case of a cohort."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

STAGES = ("segment", "uncertainty", "explain", "report")
"""What may be asked for; the first one, which registers and measures too, always is."""


@dataclass(frozen=True)
class CohortOptions:
    """Choices of :func:`~MultimodalSegLib.cohort.batch.run_batch` that concern each case.

    Args:
        registration: ``"rigid"``, ``"affine"``, ``"bspline"`` or ``"none"``.
        model: name or folder of a model bundle.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        engine: ``"auto"``, ``"torch"`` or ``"openvino"``.
        threads: of the processor for one case; the processors of a machine shared by its workers if None.
        memory_limit_mb: memory of one worker, MiB; that of a machine shared by its workers if None.
        seed: of everything random.
        uncertainty: also say how sure the result is, with quality flags.
        explain: also say what each modality contributed and what spoke for ``explained``.
        explained: name of a class, lesion if empty; cases in which it was not found have no map.
        report: also write ``report.html``.
        measure: measure cases again that are finished.
        synthetic_detail: use volumes whose detail was made up (by ``enhance``) all the same.
    """

    registration: str = "rigid"
    model: str = "default"
    device: str = "auto"
    engine: str = "auto"
    threads: int | None = None
    memory_limit_mb: int | None = None
    seed: int = 0
    uncertainty: bool = False
    explain: bool = False
    explained: str = ""
    report: bool = False
    measure: bool = False
    synthetic_detail: bool = False

    @property
    def stages(self) -> tuple[str, ...]:
        """Those of :data:`STAGES` that are asked for."""
        return tuple(name for name in STAGES if name == "segment" or getattr(self, name))

    def identity(self) -> dict[str, Any]:
        """What a cohort cannot change between two starts, beside the model."""
        return {name: value for name, value in asdict(self).items() if name in ("registration", "seed")}
