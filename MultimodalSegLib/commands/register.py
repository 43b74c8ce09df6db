"""``register``: one volume onto another."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, OutputError
from .choices import EventsOption, Kind, SeedOption
from .ending import ending
from .listeners import listener


def register(
    fixed: Annotated[Path, typer.Option(help="Volume that stays where it is.")],
    moving: Annotated[Path, typer.Option(help="Volume that is brought onto it.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Transform file to write (.h5 or .tfm); Slicer reads it. Not needed with --kind none."),
    ] = None,
    kind: Annotated[
        Kind, typer.Option(help="none only measures how well the volumes agree as they are, or under --initial.")
    ] = Kind.rigid,
    fixed_modality: Annotated[str, typer.Option(help="CT, MR, T1, ...; helps to find the head.")] = "",
    moving_modality: Annotated[str, typer.Option(help="CT, MR, T1, ...; helps to find the head.")] = "",
    initial: Annotated[
        Path | None, typer.Option(help="Transform file (fixed to moving points) to start from, as Slicer saves it.")
    ] = None,
    landmarks: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Landmarks in the fixed and in the moving volume to start from: .mrk.json, .fcsv or .csv."),
    ] = None,
    moved: Annotated[Path | None, typer.Option(help="Also write the moving volume on the fixed volume's grid.")] = None,
    seed: SeedOption = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    events: EventsOption = None,
) -> None:
    """Find the transform between two volumes, or take a given one, and say how good it is."""
    told = listener(events)
    with ending(told) as progress:
        from ..images.intensities import outside_value
        from ..images.io import read_volume, write_volume
        from ..images.resample import resample
        from ..registration.landmark_file import read_landmarks
        from ..registration.landmarks import errors_text, landmark_warnings
        from ..registration.register import assess, registration_warnings
        from ..registration.register import register as find_transform
        from ..registration.transform_file import check_ending, read_transform, write_transform

        if out is not None:
            check_ending(out)
        elif kind is not Kind.none:
            raise InputError("Nothing says where to write the transform.", "Add --out FILE.h5.")
        for file in filter(None, (out, moved)):
            if file.exists() and not overwrite:
                raise OutputError(f"{file} exists already.", "Choose another name or add --overwrite.")
        if initial and landmarks:
            raise InputError("Both --initial and --landmarks say where to start.", "Give one of them.")
        pairs = read_landmarks(*landmarks) if landmarks else None
        start = pairs.transform() if pairs else read_transform(initial) if initial else None
        names = fixed_modality.upper(), moving_modality.upper()
        volumes = read_volume(fixed), read_volume(moving)
        if kind is Kind.none:
            found = assess(*volumes, start, fixed_modality=names[0], moving_modality=names[1], seed=seed)
        else:
            found = find_transform(
                *volumes,
                kind.value,
                fixed_modality=names[0],
                moving_modality=names[1],
                seed=seed,
                initial=start,
                progress=progress,
            )
        if out is not None:
            write_transform(found.transform, out)
        if moved is not None:
            outside = outside_value(names[1] or "MR")
            write_volume(resample(volumes[1], volumes[0].grid, found.transform, outside=outside), moved)
        quality = found.quality
        called = names[1] or "the moving volume", names[0] or "the fixed volume"
        warnings = registration_warnings(*called, found)
        told.say(
            f"Mutual information {quality.mutual_information_before:.3f} before and "
            f"{quality.mutual_information_after:.3f} after, overlap of the heads {quality.head_overlap:.2f}, "
            f"{found.seconds:.1f} s.",
            f"Estimated error {quality.error_text}: {quality.light_text}."
            if quality.error_text
            else f"Estimated error: {quality.light_text}.",
        )
        if out is not None:
            told.say(f"Transform: {out}")
        errors = pairs.errors(found.transform) if pairs else None
        if errors:
            told.say(f"{errors['count']} landmarks: {errors_text(errors)}.")
            warnings += landmark_warnings(*called, errors)
        for sentence in warnings:
            told.warn(sentence)
        told.result(
            {
                "transform": str(out) if out else None,
                "moved": str(moved) if moved else None,
                "kind": found.kind,
                "seconds": round(found.seconds, 3),
                **asdict(quality),
                "landmarks": errors,
                "warnings": warnings,
            }
        )
