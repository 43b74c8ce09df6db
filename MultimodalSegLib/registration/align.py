"""All volumes of a case onto the reference volume's grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk

from ..errors import RegistrationError
from ..images.case import Case
from ..images.grid import Grid
from ..images.intensities import outside_value
from ..images.resample import coverage, resample
from ..images.volume import Volume
from ..progress import Event, Progress, silent
from .aligned import AlignedCase, Registration
from .register import KINDS, assess, register

LEAST_SHARED_VIEW = 0.05
"""Part of the smaller field of view that two volumes must share."""


def align(
    case: Case,
    kind: str = "rigid",
    *,
    seed: int = 0,
    transforms: Mapping[str, sitk.Transform] | None = None,
    initial: Mapping[str, sitk.Transform] | None = None,
    progress: Progress = silent,
) -> AlignedCase:
    """Register every moving volume to the reference and sample it on the reference's grid.

    Args:
        case: one or more volumes; a single one passes through.
        kind: ``"rigid"``, ``"affine"`` or ``"bspline"``; ``"none"`` trusts the headers.
        seed: of the registration.
        transforms: known transforms (reference points to moving points, LPS mm) by modality; these are measured and
            used as they are.
        initial: the same, to start a registration from instead of a search.
        progress: hears of the registrations, stage ``"register"``, as one piece of work.

    Returns:
        Volumes on the reference's grid, with the registrations and what part of the grid each field of view covers.

    Raises:
        RegistrationError: two fields of view, or two heads, share less than 5 % of the smaller one.
        ValueError: an unknown kind, or a transform for a modality that is not moving or needs no start.
    """
    if kind != "none" and kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of none, {', '.join(KINDS)}")
    known = dict(transforms or {})
    if not set(known) <= set(case.moving):
        raise ValueError(f"transforms for {', '.join(known)}, but moving are {', '.join(case.moving) or 'none'}")
    begun = dict(initial or {})
    if not set(begun) <= set(case.moving) - set(known) or (begun and kind == "none"):
        raise ValueError(f"starts for {', '.join(begun)}, but registered are {', '.join(case.moving) or 'none'}")
    reference = case.volumes[case.reference]
    volumes, registrations, covered = {}, {}, {}
    for name, volume in case.volumes.items():
        if name == case.reference:
            volumes[name], covered[name] = volume, 1.0
            continue
        if name in known:
            found = _as_given(case, name, known[name], seed)
        elif kind == "none":
            found = _as_given(case, name, None, seed)
        else:
            part = _part(progress, case.moving.index(name), len(case.moving), name)
            found = register(
                reference,
                volume,
                kind,
                fixed_modality=case.reference,
                moving_modality=name,
                seed=seed,
                initial=begun.get(name),
                progress=part,
            )
        covered[name] = _covered(case, name, found.transform)
        volumes[name] = resample(volume, reference.grid, found.transform, outside=outside_value(name))
        registrations[name] = found
    return AlignedCase(volumes, case.reference, registrations, covered)


def _as_given(case: Case, name: str, transform: sitk.Transform | None, seed: int) -> Registration:
    """A transform, or the headers, that needs no search, with its measured quality."""
    _covered(case, name, transform or sitk.Transform(3, sitk.sitkIdentity))
    fixed, moving = case.volumes[case.reference], case.volumes[name]
    return assess(fixed, moving, transform, fixed_modality=case.reference, moving_modality=name, seed=seed)


def _covered(case: Case, name: str, transform: sitk.Transform) -> float:
    """Part of the reference grid that a moving field of view covers, if it is enough to go on."""
    reference, moving = case.volumes[case.reference], case.volumes[name]
    share = coverage(moving, reference.grid, transform)
    shared_view = share * _box_ml(reference.grid) / min(_box_ml(reference.grid), _box_ml(moving.grid))
    if shared_view < LEAST_SHARED_VIEW:
        raise RegistrationError(
            f"The fields of view of {case.reference} and {name} share only {100 * shared_view:.0f} % of the smaller one"
            f" ({_where(reference)} and {_where(moving)}).",
            "Register them instead of trusting the headers, or check that both show the same part of the same patient.",
        )
    return share


def _box_ml(grid: Grid) -> float:
    return float(np.prod(grid.size)) * grid.voxel_ml


def _where(volume: Volume) -> str:
    return str(volume.source) if volume.source else "from memory"


def _part(progress: Progress, index: int, count: int, name: str) -> Progress:
    """Events of one of several registrations as events of them all."""

    def listen(event: Event) -> None:
        progress(Event(event.stage, index + event.done / event.total, count, f"{name}: {event.message}"))

    return listen
