"""``paint``: lesions of asked kind, place and size in the aligned volumes of a patient."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .choices import Device, DeviceOption, EventsOption
from .ending import ending
from .listeners import listener

GRACE_S = 10.0


def paint(
    out: Annotated[Path, typer.Option(help="Folder for the volumes, the mask and the record.")],
    lesion: Annotated[
        list[str],
        typer.Option(metavar="KIND,X,Y,Z,MM", help="Kind, middle in LPS millimetres, diameter; may be repeated."),
    ],
    ct: Annotated[Path | None, typer.Option(help="CT: NRRD, NIfTI or MetaImage file, or DICOM folder.")] = None,
    mr: Annotated[Path | None, typer.Option(help="MRI of any contrast, in the same space.")] = None,
    t1: Annotated[Path | None, typer.Option(help="T1-weighted MRI.")] = None,
    t1c: Annotated[Path | None, typer.Option(help="T1-weighted MRI with contrast agent.")] = None,
    t2: Annotated[Path | None, typer.Option(help="T2-weighted MRI.")] = None,
    flair: Annotated[Path | None, typer.Option(help="FLAIR MRI.")] = None,
    steps: Annotated[int, typer.Option(min=1, max=100, help="Steps of the flow.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of shapes and looks.")] = 0,
    model: Annotated[str, typer.Option(help="Name or folder of a model that paints lesions.")] = "paint",
    device: DeviceOption = Device.auto,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.")] = False,
    events: EventsOption = None,
) -> None:
    """Paint lesions that nobody has into aligned volumes, to train and to test with. For research use only."""
    given = {"CT": ct, "MR": mr, "T1": t1, "T1C": t1c, "T2": t2, "FLAIR": flair}
    told = listener(events)
    with ending(told, grace_s=GRACE_S, hint="The same command begins anew.") as progress:
        from ..painting.asked import AskedLesion
        from ..stages.paint import PaintOptions, painted_files
        from ..stages.paint import paint as paint_volumes

        volumes = {name: path for name, path in given.items() if path is not None}
        asked = [AskedLesion.parse(text) for text in lesion]
        options = PaintOptions(steps, seed, model, device.value)
        result = paint_volumes(volumes, asked, out, options, overwrite=overwrite, progress=progress)
        files = painted_files(out, list(volumes))
        sizes = ", ".join(f"{each.kind} of {ml:.1f} ml" for each, ml in zip(asked, result.ml, strict=True))
        told.say(f"Painted {sizes} in {result.seconds:.0f} s: {out}. The volumes are marked as synthetic.")
        told.result(
            {
                "volumes": {name: str(files[name]) for name in volumes},
                "mask": str(files["mask"]),
                "ml": [round(ml, 4) for ml in result.ml],
                "seconds": round(result.seconds, 3),
            }
        )
