"""What is taken over from a teacher, and how much each part counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

STARTS = ("teacher", "random")


@dataclass(frozen=True)
class Distillation:
    """From whom a network learns beside its labels.

    Args:
        teacher: name or folder of a bundle, or a training run; empty for none.
        checksum: SHA-256 of the teacher's weights; another teacher is refused. Empty accepts any.
        temperature: softens the teacher's answers; above 1 the small probabilities count more.
        hard: weight of the losses against the labels; 0 needs none.
        soft: weight of the teacher's answers.
        features: weight of the teacher's features at every scale that both have.
        attention: weight of where the teacher's features are strong, at the same scales.
        start: the weights that the student begins with: selected from the teacher's (``"teacher"``), where their kinds
            of network allow it, or ``"random"``. A model to start from counts before both.

    Raises:
        ValueError: an unknown start, a temperature that is not positive, or a weight that is negative, not finite, or
            nothing but zeros.
    """

    teacher: str = ""
    checksum: str = ""
    temperature: float = 2.0
    hard: float = 1.0
    soft: float = 1.0
    features: float = 0.5
    attention: float = 0.5
    start: str = "teacher"

    def __post_init__(self) -> None:
        if self.start not in STARTS:
            raise ValueError(f"the start of the distillation is {self.start!r}, not one of {', '.join(STARTS)}")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"the temperature of the distillation is {self.temperature}, not a positive number")
        weights = {name: getattr(self, name) for name in ("hard", "soft", "features", "attention")}
        for name, weight in weights.items():
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"the distillation's weight {name} is {weight}, not 0 or a positive number")
        if self.teacher and not any(weights.values()):
            raise ValueError("all weights of the distillation are 0")

    @property
    def by_features(self) -> bool:
        """Whether features of the teacher are needed."""
        return bool(self.features or self.attention)
