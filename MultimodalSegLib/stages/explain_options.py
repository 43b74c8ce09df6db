"""What an explanation is asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExplainOptions:
    """Choices of :func:`MultimodalSegLib.stages.explain.run_explain`.

    Args:
        name: shown name of a class, such as ``"lesion"`` or ``"left hippocampus"``; capitals do not matter.
        method: of :data:`MultimodalSegLib.explain.methods.METHODS`.
        lesion: number of a single lesion, 1 is the largest; 0 is all of them, and each by itself where that is cheap.
        layer: of Grad-CAM, Grad-CAM++ and HiResCAM; the method's own if empty.
        faithfulness: measure how far the map of what is asked for can be believed: some twenty passes through the
            network.
        thorough: then also measure maps that explain nothing beside it, and the five largest single lesions: some
            thirty passes more, and twenty for each lesion.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        threads: of the processor; torch's own choice if None.
        memory_limit_mb: what the network may take; all free memory if None.
        synthetic_detail: explain although the detail of a volume was made up.
    """

    name: str = "lesion"
    method: str = "gradcam"
    lesion: int = 0
    layer: str = ""
    faithfulness: bool = True
    thorough: bool = True
    device: str = "auto"
    threads: int | None = None
    memory_limit_mb: float | None = None
    synthetic_detail: bool = False
