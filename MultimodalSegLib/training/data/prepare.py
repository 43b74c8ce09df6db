"""From a case on disk to arrays on one working grid, exactly as inference prepares a patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import SimpleITK as sitk

from ...errors import InputError
from ...images.grid import Grid, Triple, same_grid
from ...images.intensities import outside_value
from ...images.normalization import Normalization, usual_normalization
from ...images.resample import resample
from ...images.volume import Volume
from ...inference.head_box import field_of_view
from ...inference.prepare import network_images
from ...models.bundle import modality_family
from ...registration.register import register
from ...registration.transform_file import read_transform
from .case import TrainingCase
from .classes import LabelClass, Truth, truth_of
from .data_set import read_label

ISOTROPIC: Triple = (1.5, 1.5, 1.5)
THICK_SLICES: Triple = (1.5, 1.5, 5.0)
"""Spacings (x, y, z) in mm that suit most volumes: of equal resolution, and of a body in thick slices."""


@dataclass(frozen=True)
class Preparation:
    """How images become what a network sees.

    Args:
        spacing: of the working grid along the patient's x, y, z, mm.
        families: the network's families in the order of their numbers.
        registration: ``"rigid"``, ``"affine"`` or ``"bspline"`` for images that are not aligned; ``"none"`` trusts
            their headers.
        normalization: by family; a family that is not named is normalized as in models of the head.

    Raises:
        ValueError: a spacing that is not positive, or an unknown registration.
    """

    spacing: Triple = ISOTROPIC
    families: tuple[str, ...] = ("CT", "MR")
    registration: str = "rigid"
    normalization: Mapping[str, Normalization] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.spacing) != 3 or min(self.spacing) <= 0:
            raise ValueError(f"spacing is {self.spacing}, not three positive numbers of mm")
        if self.registration not in ("none", "rigid", "affine", "bspline"):
            raise ValueError(f"registration {self.registration!r} is none of none, rigid, affine, bspline")

    def normalization_of(self, modality: str) -> Normalization:
        """How images of a modality are normalized."""
        family = modality_family(modality, self.families)
        return self.normalization.get(family) or usual_normalization(family)

    def metadata(self) -> dict[str, Any]:
        """What a bundle has to say of its input so that inference prepares a patient in the same way."""
        return {
            "working_spacing": list(self.spacing),
            "region": "volume",
            "modality_families": list(self.families),
            "preprocessing": {name: self.normalization_of(name).to_dict() for name in self.families},
        }


@dataclass(frozen=True)
class Arrays:
    """A prepared case in memory.

    Args:
        modalities: names of the M images.
        images: (M, D, H, W) float32 normalized.
        truth: on the same grid, or None for a case without label.
        grid: the working grid, along the patient's axes (LPS).
        warnings: about images that were left out.
    """

    modalities: tuple[str, ...]
    images: np.ndarray
    truth: Truth | None
    grid: Grid
    warnings: tuple[str, ...] = ()


def prepare(
    case: TrainingCase, classes: Sequence[LabelClass], ignored: Sequence[int], preparation: Preparation
) -> Arrays:
    """Read, align, resample and normalize a case.

    Args:
        case: with or without label.
        classes: of the data set.
        ignored: label values that count as background.
        preparation: how.

    Raises:
        InputError: a file that cannot be read, a modality of no family, a label value of no class; names the case.
        RegistrationError: images that cannot be brought into one space.
    """
    try:
        volumes = {name: image.read() for name, image in case.images.items()}
        reference = volumes[case.reference]
        grid = working_grid(reference.grid, preparation.spacing)
        truth = None
        if case.label is not None:
            labels = resample(_known(read_label(case, reference), classes, ignored), grid, labels=True)
            truth = truth_of(labels.array, classes)
        aligned = {name: _align(case, name, volumes, preparation.registration) for name in volumes}
        images, names, warnings = network_images(
            aligned, grid, preparation.normalization_of, lambda fraction, what: None
        )
    except InputError as error:
        raise InputError(f"Case {case.name!r}: {error.message}", error.hint) from error
    for name in names:
        if modality_family(name, preparation.families) not in preparation.families:
            raise InputError(
                f"Case {case.name!r} has a {name} image, but training is for {', '.join(preparation.families)}.",
                "Add the family, or leave the image out.",
            )
    return Arrays(tuple(names), images.numpy(), truth, grid, tuple(f"{case.name}: {text}" for text in warnings))


def working_grid(reference: Grid, spacing: Triple) -> Grid:
    """The grid along the patient's axes (LPS) that covers a field of view and has it in its middle."""
    return field_of_view(reference).grid(spacing)


def _known(labels: Volume, classes: Sequence[LabelClass], ignored: Sequence[int]) -> Volume:
    """The label map, if every value belongs to a class or is ignored."""
    known = {0, *ignored, *(value for entry in classes for value in entry.values)}
    strange = sorted(set(np.unique(labels.array).tolist()) - known)
    if strange:
        raise InputError(
            f"The label holds the value {strange[0]}, which is no class ({', '.join(map(str, sorted(known)))}).",
            "Correct the label, or add the value to the classes.",
        )
    return labels


def _align(case: TrainingCase, name: str, volumes: dict[str, Volume], kind: str) -> Volume:
    """An image on the grid of the case's reference."""
    reference, volume = volumes[case.reference], volumes[name]
    if name == case.reference or same_grid(volume.grid, reference.grid):
        return volume
    transform: sitk.Transform | None = None
    if name in case.transforms:
        transform = read_transform(case.transforms[name])
    elif not case.already_aligned and kind != "none":
        transform = register(reference, volume, kind, fixed_modality=case.reference, moving_modality=name).transform
    return resample(volume, reference.grid, transform, outside=outside_value(name))
