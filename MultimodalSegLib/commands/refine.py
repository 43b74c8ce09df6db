"""``refine``: correct a segment of a run with points, scribbles or a box."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from .choices import Device, Events
from .ending import ending
from .listeners import listener

POINTS = "X,Y,Z|FILE"


def refine(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    points: Annotated[
        list[str] | None,
        typer.Option(metavar=POINTS, help="On the object: LPS mm, or a markups file (.mrk.json); may be repeated."),
    ] = None,
    negative: Annotated[
        list[str] | None, typer.Option(metavar=POINTS, help="Beside the object, likewise; may be repeated.")
    ] = None,
    box: Annotated[
        str, typer.Option(metavar="X,Y,Z,X,Y,Z", help="Two opposite corners of a box around the object, LPS mm.")
    ] = "",
    scribble: Annotated[Path | None, typer.Option(help="Label map: 1 on the object, 2 beside it.")] = None,
    segment: Annotated[str, typer.Option(metavar="NAME", help="Segment to correct.")] = "",
    new: Annotated[str, typer.Option(metavar="NAME", help="Segment to add.")] = "",
    start: Annotated[
        Path | None, typer.Option(help="Mask to start from, on the run's grid; that of the run if left out.")
    ] = None,
    allow_overwrite: Annotated[
        bool, typer.Option("--allow-overwrite", help="Take voxels from other segments; else they keep theirs.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last correction back instead.")] = False,
    model: Annotated[str, typer.Option(help="Name or folder of a model that answers clicks.")] = "refine",
    device: Annotated[Device, typer.Option(help="Where the network runs.")] = Device.auto,
    events: Annotated[Events | None, typer.Option(help="Tell progress and result as JSON lines on stdout.")] = None,
) -> None:
    """Correct a segment of a run, or add one, from what you mark. For research use only."""
    told = listener(events)
    with ending(told, run) as progress:
        from ..refinement.prompts import numbers, read_points, together
        from ..stages.refine import refine as correct
        from ..stages.refine import undo as take_back

        if undo:
            if points or negative or box or scribble or segment or new or start:
                raise InputError("--undo stands alone.", "Leave the other options out.")
            name = take_back(run)
            told.say(f"The last correction of {name} was taken back: {run}.")
            told.result({"run": str(run), "undone": name})
            return
        found = correct(
            run,
            together([read_points(text) for text in points or ()]),
            negative=together([read_points(text) for text in negative or ()]),
            box=numbers(box, 6).reshape(2, 3) if box else None,
            scribble=scribble,
            segment=segment,
            new=new,
            start=start,
            allow_overwrite=allow_overwrite,
            model=model,
            device=device.value,
            progress=progress,
        )
        told.say(
            f"{found.segment.name}: {found.added_ml:.2f} ml added, {found.removed_ml:.2f} ml removed. "
            "The commands measure and report bring the tables up to date."
        )
        for sentence in filter(None, (*found.warnings, found.told_of_neighbors)):
            told.warn(sentence)
        told.result(
            {
                "run": str(run),
                "segment": found.segment.name,
                "value": found.segment.value,
                "color": list(found.segment.color),
                "mask": str(found.file),
                "added_ml": found.added_ml,
                "removed_ml": found.removed_ml,
                "withheld_ml": dict(found.withheld_ml),
                "seconds": round(found.seconds, 3),
                "warnings": list(found.warnings),
            }
        )
