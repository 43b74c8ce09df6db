"""How much training images are changed."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training sample; a chance of 0 turns one off.

    Args:
        move_chance: of a rotation and scaling.
        rotation: largest angle about each axis, degrees.
        scaling: largest relative change of size along each axis.
        elastic_chance: of an elastic deformation.
        elastic_mm: standard deviation of its displacements at the knots, mm.
        knots_mm: distance between its knots, mm.
        mirror_chance: of exchanging left and right, with the labels' sides.
        noise_chance: of Gaussian noise.
        noise: largest standard deviation, in normalized intensities.
        gamma_chance: of a change of contrast.
        gamma: smallest and largest exponent.
        bias_chance: of a coil shading (MRI only).
        bias: largest coefficient of its polynomial.
        blur_chance: of a lower resolution.
        blur: smallest resolution as a part of the present one.
        dropout: chance for each modality to be left out; one always stays.

    Raises:
        ValueError: a chance that is not between 0 and 1, or gammas, blur or knots that make no sense.
    """

    move_chance: float = 0.5
    rotation: float = 15.0
    scaling: float = 0.15
    elastic_chance: float = 0.3
    elastic_mm: float = 3.0
    knots_mm: float = 25.0
    mirror_chance: float = 0.5
    noise_chance: float = 0.3
    noise: float = 0.1
    gamma_chance: float = 0.5
    gamma: tuple[float, float] = (0.8, 1.2)
    bias_chance: float = 0.3
    bias: float = 0.3
    blur_chance: float = 0.2
    blur: float = 0.5
    dropout: float = 0.2

    def __post_init__(self) -> None:
        for name in (*(entry.name for entry in fields(self) if entry.name.endswith("_chance")), "dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, not a chance between 0 and 1")
        if not 0 < self.gamma[0] <= self.gamma[1]:
            raise ValueError(f"gamma is {self.gamma}, not a smallest and a largest positive exponent")
        if not 0 < self.blur <= 1 or self.knots_mm <= 0 or not 0 <= self.scaling < 1:
            raise ValueError(f"blur {self.blur}, knots_mm {self.knots_mm} or scaling {self.scaling} is out of range")
