"""``enhance``: thick slices to 1 mm, or a noisy CT to a clean one, with synthetic detail."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .choices import Device, Events
from .ending import ending
from .listeners import listener

GRACE_S = 10.0


class Profile(str, Enum):
    """What a slice averages over."""

    auto = "auto"
    gaussian = "gaussian"
    box = "box"


def enhance(
    volume: Annotated[Path, typer.Argument(help="NRRD, NIfTI or MetaImage file, or folder with a DICOM series.")],
    out: Annotated[Path, typer.Option(help="Folder for the result and its record.")],
    modality: Annotated[
        str, typer.Option(metavar="NAME", help="CT, MR, T1, T1C, T2 or FLAIR; by the values if left out.")
    ] = "",
    samples: Annotated[int, typer.Option(min=1, help="Volumes to draw; from 2 on with a map of uncertainty.")] = 1,
    steps: Annotated[
        int | None, typer.Option(min=1, max=100, help="Steps of the flow: 1 for one sample, 4 for several if left out.")
    ] = None,
    denoise: Annotated[
        bool,
        typer.Option("--denoise", help="Clean a CT with thin slices; experimental, it takes off little of the noise."),
    ] = False,
    profile: Annotated[
        Profile, typer.Option(help="What a thick slice averages over; auto: box for CT, gaussian for MRI.")
    ] = Profile.auto,
    seed: Annotated[int, typer.Option(min=0, help="Of the first sample.")] = 0,
    model: Annotated[str, typer.Option(help="Name or folder of a model that adds detail.")] = "enhance",
    device: Annotated[Device, typer.Option(help="Where the network runs.")] = Device.auto,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.")] = False,
    events: Annotated[Events | None, typer.Option(help="Tell progress and result as JSON lines on stdout.")] = None,
) -> None:
    """Add likely detail to a scan with thick slices: made up, to be looked at, not measured. For research use only."""
    told = listener(events)
    with ending(told, grace_s=GRACE_S, hint="The same command begins anew.") as progress:
        from ..stages.enhance import EnhanceOptions, result_files
        from ..stages.enhance import enhance as restore

        given = "" if profile is Profile.auto else profile.value
        options = EnhanceOptions(modality, samples, steps, denoise, given, seed, model, device.value)
        result = restore(volume, out, options, overwrite=overwrite, progress=progress)
        files = result_files(out, volume)
        for sentence in result.warnings:
            told.warn(sentence)
        found = result.consistency
        if found is not None:
            told.say(
                f"Synthetic detail in {result.seconds:.0f} s: {files['volume']}. The slices it would give differ from "
                f"those measured by {found.rms:.3g} (root mean square), {found.judged}."
            )
        told.result(
            {
                "volume": str(files["volume"] if result.changed else volume),
                "uncertainty": str(files["uncertainty"]) if result.uncertainty is not None else "",
                "changed": result.changed,
                "consistency_rms": found.rms if found else None,
                "noise": found.noise if found else None,
                "seconds": round(result.seconds, 3),
                "warnings": list(result.warnings),
            }
        )
