"""``report``: what a finished run has found, for people to read and for archives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..run_lock import changing
from .choices import EventsOption, SyntheticOption
from .ending import ending
from .listeners import listener


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of a finished run.")],
    pdf: Annotated[bool, typer.Option("--pdf", help="Write report.pdf too.")] = False,
    dicom: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="DICOM series of the reference, for DICOM SEG and structured report; known if the run has read it.",
        ),
    ] = None,
    no_dicom: Annotated[bool, typer.Option("--no-dicom", help="Write no DICOM.")] = False,
    with_name: Annotated[
        bool, typer.Option("--with-name", help="Tell the patient's name and the names of files in the report.")
    ] = False,
    edited: Annotated[
        Path | None,
        typer.Option(
            help="The segmentation as it is now, edited elsewhere (.seg.nrrd); it is taken into the run first."
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="The model, if it is not where it was during the run.")] = "",
    synthetic_detail: SyntheticOption = False,
    events: EventsOption = None,
) -> None:
    """Write the report of a finished run. For research use only."""
    told = listener(events)
    with ending(told, hint="The same command begins anew.") as progress, changing(run):
        from ..restore import open_run
        from ..stages.edited import put_edited
        from ..stages.report import ReportOptions, run_report

        finished = open_run(run, model)
        if edited is not None:
            finished, _names = put_edited(finished, edited)
        source = "no" if no_dicom else str(dicom) if dicom else "auto"
        options = ReportOptions(pdf, source, with_name, synthetic_detail)
        files = run_report(finished, options, progress)
        told.say(*(str(file) for file in files))
        for sentence in finished.folder.record["warnings"]:
            told.warn(sentence)
        told.result(
            {"run": str(run), "files": [str(file) for file in files], "warnings": finished.folder.record["warnings"]}
        )
