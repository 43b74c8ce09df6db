"""From a case on disk to arrays on one working grid, exactly as inference prepares a patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ...errors import InputError
from ...images.clahe import clahe
from ...images.grid import Grid, Triple
from ...images.intensities import outside_value
from ...images.resample import resample
from ...images.volume import Volume
from ...inference.head_box import field_of_view
from ...inference.prepare import network_images
from ...models.bundle import modality_family
from ...registration.register import register
from ...registration.transform_file import read_transform
from .case import TrainingCase
from .check_label import same_grid
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
        clahe: families whose normalized images get their local contrast raised.

    Raises:
        ValueError: a spacing that is not positive, or an unknown registration.
    """

    spacing: Triple = ISOTROPIC
    families: tuple[str, ...] = ("CT", "MR")
    registration: str = "rigid"
    clahe: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.spacing) != 3 or min(self.spacing) <= 0:
            raise ValueError(f"spacing is {self.spacing}, not three positive numbers of mm")
        if self.registration not in ("none", "rigid", "affine", "bspline"):
            raise ValueError(f"registration {self.registration!r} is none of none, rigid, affine, bspline")


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
        images, names, warnings = network_images(aligned, grid, lambda fraction, what: None)
    except InputError as error:
        raise InputError(f"Case {case.name!r}: {error.message}", error.hint) from error
    array = images.numpy()
    for number, name in enumerate(names):
        if modality_family(name) not in preparation.families:
            raise InputError(
                f"Case {case.name!r} has a {name} image, but training is for {', '.join(preparation.families)}.",
                "Add the family, or leave the image out.",
            )
        if modality_family(name) in preparation.clahe:
            array[number] = clahe(array[number], preparation.spacing)
    return Arrays(tuple(names), array, truth, grid, tuple(f"{case.name}: {text}" for text in warnings))


def working_grid(reference: Grid, spacing: Triple) -> Grid:
    """The grid along the patient's axes (LPS) that covers a field of view and has it in its middle."""
    box, steps = field_of_view(reference), np.asarray(spacing)
    i, j, k = (int(n) for n in np.maximum(1, np.ceil(box.size / steps - 1e-3)))
    x, y, z = ((np.add(box.low, box.high) - (np.array([i, j, k]) - 1) * steps) / 2).tolist()
    return Grid((i, j, k), spacing, (x, y, z))


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
