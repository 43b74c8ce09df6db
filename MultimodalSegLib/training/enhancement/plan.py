"""Every choice of a training run of an enhancement model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...errors import InputError
from ..flow_plan import FlowPlan
from ..samples import FAMILIES


@dataclass(frozen=True)
class DetailPlan(FlowPlan):
    """What :class:`.loop.DetailTrainer` does, beside what :class:`..flow_plan.FlowPlan` says; no noise: a regression.

    Args:
        images: real volumes with voxels of 1 mm, each ``"MR=FILE"`` or ``"CT=FILE"``.

    Raises:
        InputError: a value out of its range.
    """

    MARGIN: ClassVar[int] = 8

    name: str = "enhance"
    validation_samples: int = 6
    images: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for text in self.images:
            self.real_image(text)

    @staticmethod
    def real_image(text: str) -> tuple[str, str]:
        """Family and file of an entry of ``images``.

        Raises:
            InputError: not of that form.
        """
        family, _, file = text.partition("=")
        if family not in FAMILIES or not file:
            raise InputError(f"{text!r} is no real volume.", f"Write {' or '.join(f'{f}=FILE' for f in FAMILIES)}.")
        return family, file
