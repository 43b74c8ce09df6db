"""What one run shall do, checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import InputError, OutputError
from .images.case import MODALITIES, unknown_modality


@dataclass(frozen=True)
class SegmentOptions:
    """What :func:`~MultimodalSegLib.pipeline.run_segment` shall do.

    Args:
        volumes: file or DICOM folder by modality name.
        out: the run folder.
        reference: modality on whose grid results are given; the first one if empty.
        registration: ``"rigid"``, ``"affine"``, ``"bspline"`` or ``"none"`` (trust the headers).
        transforms: for a modality a transform file (reference points to its points, LPS mm) to use as it is.
        initial: for a modality a transform file to start its registration from, instead of a search.
        landmarks: for a modality two files of landmarks, in the reference and in its volume: its registration starts
            from their best fit; where nothing is registered they only tell how far apart they are.
        model: name or folder of a model bundle.
        probabilities: names of the classes whose probability maps are kept.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        threads: processor threads; None leaves it to the engines.
        memory_limit_mb: memory the network may use in MiB; None for what is free.
        engine: ``"auto"``, ``"torch"`` or ``"openvino"``.
        seed: of the registration's sampling.
        resume: go on with the run in ``out`` if there is one.
        overwrite: replace the run in ``out`` if there is one.
        synthetic_detail: use volumes whose detail was made up (by ``enhance``) all the same.
    """

    volumes: Mapping[str, Path]
    out: Path
    reference: str = ""
    registration: str = "rigid"
    transforms: Mapping[str, Path] = field(default_factory=dict)
    initial: Mapping[str, Path] = field(default_factory=dict)
    landmarks: Mapping[str, tuple[Path, Path]] = field(default_factory=dict)
    model: str = "default"
    probabilities: tuple[str, ...] = ()
    device: str = "auto"
    threads: int | None = None
    memory_limit_mb: int | None = None
    engine: str = "auto"
    seed: int = 0
    resume: bool = False
    overwrite: bool = False
    synthetic_detail: bool = False

    def __post_init__(self) -> None:
        if not self.volumes:
            raise InputError("No volume is given.", "Give at least one volume, for example --ct FILE.")
        said = (*self.transforms, *self.initial, *self.landmarks)
        unknown = [name for name in (*self.volumes, *said) if name not in MODALITIES]
        if unknown:
            raise unknown_modality(unknown[0])
        object.__setattr__(self, "reference", self.reference or next(iter(self.volumes)))
        given = ", ".join(self.volumes)
        if self.reference not in self.volumes:
            raise InputError(
                f"The reference {self.reference!r} is not among the volumes ({given}).",
                "Choose the name of a volume that you give.",
            )
        if self.initial and (self.registration == "none" or set(self.initial) & set(self.transforms)):
            raise InputError(
                "A start is given for a volume that is not registered.",
                "Leave it out, or choose rigid, affine or bspline and no transform for that volume.",
            )
        twice = set(self.initial) & set(self.landmarks)
        if twice:
            raise InputError(
                f"Both --initial and --landmarks say where {min(twice)} starts.", "Give one of them for a volume."
            )
        for name in said:
            if name not in self.volumes or name == self.reference:
                what = "Landmarks are" if name in self.landmarks else "A transform is"
                raise InputError(
                    f"{what} given for {name}, which is not a moving volume.",
                    f"The volumes are {given} and the reference is {self.reference}.",
                )
        pairs = (file for both in self.landmarks.values() for file in both)
        for file in (*self.volumes.values(), *self.transforms.values(), *self.initial.values(), *pairs):
            if not file.exists():
                raise InputError(f"{file} does not exist.", "Check the path.")
            if file.is_dir() and file.resolve() in (self.out.resolve(), *self.out.resolve().parents):
                raise OutputError(f"{self.out} lies inside the input folder {file}.", "Choose a folder elsewhere.")
