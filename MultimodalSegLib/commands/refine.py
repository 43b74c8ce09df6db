"""``refine``: correct a segment of a run with points, scribbles or a box."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from ..run_lock import changing
from .choices import Device, DeviceOption, EventsOption
from .ending import ending
from .listeners import listener

POINTS = "X,Y,Z|FILE"
TABLES = "Tables that were there are up to date; the command report writes a new report."


def refine(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    points: Annotated[
        list[str] | None,
        typer.Option(
            metavar=POINTS, help="On the object: LPS mm, or a file (.mrk.json, .fcsv, .csv); may be repeated."
        ),
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
    edited: Annotated[
        Path | None,
        typer.Option(
            help="Instead: a segmentation on the run's grid that was edited elsewhere (.seg.nrrd), to take in."
        ),
    ] = None,
    listen: Annotated[
        bool, typer.Option("--listen", help="For programs: take requests as JSON lines from stdin until it ends.")
    ] = False,
    end_after: Annotated[
        float, typer.Option(metavar="SECONDS", help="With --listen: end after so long without a request.")
    ] = 600.0,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last correction back instead.")] = False,
    model: Annotated[str, typer.Option(help="Name or folder of a model that answers clicks.")] = "refine",
    device: DeviceOption = Device.auto,
    events: EventsOption = None,
) -> None:
    """Correct a segment of a run, or add one, from what you mark. For research use only."""
    told = listener(events)
    with ending(told, run) as progress, nullcontext() if listen else changing(run):
        from ..refinement.prompts import given_points, numbers, together
        from ..stages.clicking import result_of
        from ..stages.edited import take_edited
        from ..stages.refine import refine as correct
        from ..stages.refine import undo as take_back
        from .listening import listen as answer_requests

        chosen = {"--undo": undo, "--edited": edited is not None, "--listen": listen}
        alone = next((name for name, given in chosen.items() if given), "")
        others = points or negative or box or scribble or segment or new or start
        if alone and (others or sum(chosen.values()) > 1):
            raise InputError(f"{alone} stands alone.", "Leave the other options out.")
        if listen:
            answer_requests(run, model, device.value, told, progress, end_after)
            told.result({"run": str(run), "ended": True})
            return
        if undo:
            name = take_back(run)
            told.say(f"The last correction of {name} was taken back: {run}. {TABLES}")
            told.result({"run": str(run), "undone": name})
            return
        if edited:
            names = take_edited(run, edited, progress)
            what = f"Taken into {run}: {', '.join(names)}. {TABLES}" if names else "Nothing differs from the run."
            told.say(what)
            told.result({"run": str(run), "edited": list(names)})
            return
        found = correct(
            run,
            together([given_points(text) for text in points or ()]),
            negative=together([given_points(text) for text in negative or ()]),
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
        told.say(f"{found.segment.name}: {found.added_ml:.2f} ml added, {found.removed_ml:.2f} ml removed. {TABLES}")
        for sentence in found.warnings:
            told.warn(sentence)
        told.result(result_of(run, found))
