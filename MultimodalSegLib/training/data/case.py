"""One patient's images and label as they lie on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from ...errors import InputError
from ...images.dicom import read_series
from ...images.io import read_volume
from ...images.volume import Volume
from .labels import LabelSource


@dataclass(frozen=True)
class ImageFile:
    """Where one image is.

    Args:
        path: a file, or a folder with a DICOM series.
        part: which of several: the number of a volume in a 4D file (from ``"0"``), or a Series Instance UID; empty if
            there is only one.
    """

    path: Path
    part: str = ""

    def read(self) -> Volume:
        """The image, float32, on its own grid.

        Raises:
            InputError: as for :func:`~MultimodalSegLib.images.io.read_volume`.
        """
        if self.part and self.path.is_dir():
            return read_series(self.path, self.part)
        if self.part and not self.part.isdecimal():
            raise InputError(f"{self} names a series, but {self.path} is not a folder.", "Give the folder.")
        return read_volume(self.path, channel=int(self.part) if self.part else None)

    @classmethod
    def parse(cls, text: str, folder: Path) -> ImageFile:
        """From ``path`` or ``path#part``, relative to ``folder``."""
        path, mark, part = text.rpartition("#")
        if mark and part and not set(part) - set("0123456789."):
            return cls(folder / path, part)
        return cls(folder / text)

    def __str__(self) -> str:
        return f"{self.path}#{self.part}" if self.part else str(self.path)


@dataclass(frozen=True)
class TrainingCase:
    """One examination of one patient; any set of modalities, each on its own grid.

    Args:
        name: unique in its data set.
        patient: cases with the same one are never separated by a split.
        images: by modality name.
        label: where the truth comes from, None for a case without.
        already_aligned: the images agree in patient space as they are; otherwise those on another grid than the
            reference's are registered to it when the case is prepared.
        reference: the image on which the label was drawn; the first one if empty.
        transforms: by modality a file with a known transform from reference points to its points (LPS mm).

    Raises:
        InputError: no image, or a reference or a transform that belongs to no image.
    """

    name: str
    patient: str
    images: Mapping[str, ImageFile]
    label: LabelSource | None = None
    already_aligned: bool = False
    reference: str = ""
    transforms: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.images:
            raise InputError(f"The case {self.name!r} has no image.", "Give at least one image for every case.")
        reference = self.reference or next(iter(self.images))
        for name in (reference, *self.transforms):
            if name not in self.images:
                raise InputError(
                    f"The case {self.name!r} has no image {name!r}, but refers to it.",
                    f"It has {', '.join(self.images)}.",
                )
        object.__setattr__(self, "reference", reference)
        object.__setattr__(self, "images", MappingProxyType(dict(self.images)))
        object.__setattr__(self, "transforms", MappingProxyType(dict(self.transforms)))

    def __reduce__(self) -> tuple[object, ...]:  # a mapping proxy cannot be sent to a worker process
        fields = (self.name, self.patient, dict(self.images), self.label, self.already_aligned, self.reference)
        return TrainingCase, (*fields, dict(self.transforms))

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Every file and folder that the case is read from."""
        label = self.label.files if self.label else ()
        return *(image.path for image in self.images.values()), *label, *self.transforms.values()
