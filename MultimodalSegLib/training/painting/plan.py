"""Every choice of a training run of a model that paints lesions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...synthesis.lesion_looks import KINDS
from ..flow_plan import FlowPlan
from ..requirement import require
from ..samples import FAMILIES

FORM = "MR=IMAGE,MASK,KIND"


@dataclass(frozen=True)
class RealLesion:
    """Real volumes of one patient, in one space, with the mask of lesions of one kind.

    Args:
        images: family and file of each volume.
        mask: file; what is above 0 is lesion.
        kind: of :data:`~MultimodalSegLib.synthesis.lesion_looks.KINDS`.
    """

    images: tuple[tuple[str, Path], ...]
    mask: Path
    kind: str

    @classmethod
    def parse(cls, text: str) -> RealLesion:
        """From a text such as ``MR=t1.nii.gz,MR=flair.nii.gz,mask.nii.gz,white matter``.

        Raises:
            InputError: not of that form, or an unknown kind.
        """
        *images, mask, kind = [part.strip() for part in text.split(",")] if text.count(",") > 1 else ["", "", ""]
        pairs = [image.partition("=") for image in images]
        if not mask or not all(family in FAMILIES and file for family, _, file in pairs):
            raise InputError(
                f"{text!r} is no real lesion.",
                f"Write {FORM}; MR or CT, and several images of one patient one after the other.",
            )
        if kind not in KINDS:
            raise InputError(f"{kind!r} is no kind of lesion.", f"Give one of: {', '.join(KINDS)}.")
        return cls(tuple((family, Path(file)) for family, _, file in pairs), Path(mask), kind)


@dataclass(frozen=True)
class PaintPlan(FlowPlan):
    """What :class:`.loop.PaintTrainer` does, beside what :class:`..flow_plan.FlowPlan` says.

    Args:
        real: real lesions, each as :class:`RealLesion` is written.
        other_chance: how often the network sees another scan that shows the lesion, where there is one.
        spacings: smallest and largest distance of voxels, mm.

    Raises:
        InputError: a value out of its range.
    """

    name: str = "paint"
    steps: int = 3000
    size: int = 72
    validation_samples: int = 8
    real: tuple[str, ...] = ()
    noise: float = 0.5
    updates: int = 6
    patch: int = 48
    real_share: float = 0.5
    start_share: float = 0.3
    other_chance: float = 0.5
    spacings: tuple[float, float] = (1.0, 2.25)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.noise > 0, "noise", self.noise, "above 0")
        require(0 <= self.other_chance <= 1, "other_chance", self.other_chance, "between 0 and 1")
        good = len(self.spacings) == 2 and 0 < self.spacings[0] <= self.spacings[1]
        require(good, "spacings", self.spacings, "two numbers of millimetres, the smaller one first")
        for text in self.real:
            RealLesion.parse(text)
