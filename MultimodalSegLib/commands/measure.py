"""``measure``: the tables of a run anew, with other structures at risk or against an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..run_lock import changing
from .choices import Between, EventsOption, SyntheticOption
from .ending import ending
from .listeners import listener


def measure(
    run: Annotated[Path, typer.Argument(help="Folder of a run that has been segmented.")],
    at_risk: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Structure to which the distance of every lesion is told, or a part of its name; may be repeated. "
            "Left out: brain stem, optic nerves, hippocampi.",
        ),
    ] = None,
    earlier: Annotated[
        Path | None, typer.Option(help="Folder of an earlier run of the same patient, to see what changed.")
    ] = None,
    earlier_registration: Annotated[
        Between, typer.Option(help="How the earlier run is brought into this one's space; none: they share it.")
    ] = Between.rigid,
    model: Annotated[str, typer.Option(help="Folder of the model, where it has moved since the run.")] = "",
    synthetic_detail: SyntheticOption = False,
    events: EventsOption = None,
) -> None:
    """Measure structures and lesions of a run again. For research use only."""
    told = listener(events)
    with ending(told, hint="The tables are as they were.") as progress, changing(run):
        from ..restore import open_run
        from ..stages.earlier import Earlier
        from ..stages.measure import CHANGES, MeasureOptions, run_measure

        options = MeasureOptions(
            tuple(at_risk or ()),
            Earlier(earlier, earlier_registration.value) if earlier is not None else None,
            synthetic_detail,
        )
        finished = open_run(run, model)
        followup = run_measure(finished, options, progress)
        folder = finished.folder
        told.say(f"Measurements: {folder.measurements}", f"Lesions: {folder.lesions}")
        if followup:
            told.say(*followup.sentences, f"Changes: {folder.path / CHANGES}")
            for sentence in followup.warnings:
                told.warn(sentence)
        told.result(
            {
                "run": str(folder.path),
                "measurements": str(folder.measurements),
                "lesions": str(folder.lesions),
                "changes": str(folder.path / CHANGES) if followup else None,
                "followup": followup.record() if followup else None,
                "warnings": list(followup.warnings) if followup else [],
            }
        )
