"""``batch``: every case of a cohort, on one machine or many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .choices import Device, DeviceOption, Engine, EventsOption, Kind, SyntheticOption
from .ending import ending
from .listeners import Listener, listener

if TYPE_CHECKING:
    from ..cohort.batch import Batch


def batch(
    cases: Annotated[
        Path,
        typer.Argument(
            metavar="CASES",
            help="CSV with the columns id and CT, MR, T1, T1C, T2, FLAIR or PET (files or DICOM folders), or a folder "
            "with a folder for each case.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the cohort; given again it goes on with what is missing.")],
    workers: Annotated[
        int,
        typer.Option(
            min=0, help="Processes of this machine, or jobs of Slurm; as many as fit if left out. Each takes one case."
        ),
    ] = 0,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers are used, such as tcp://node1:8786.")
    ] = "",
    slurm: Annotated[bool, typer.Option("--slurm", help="Start the workers as jobs of Slurm.")] = False,
    slurm_partition: Annotated[str, typer.Option(metavar="NAME", help="Partition of Slurm.")] = "",
    slurm_account: Annotated[str, typer.Option(metavar="NAME", help="Account of Slurm.")] = "",
    slurm_time: Annotated[str, typer.Option(metavar="HH:MM:SS", help="Longest time of a job.")] = "24:00:00",
    slurm_directive: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Further #SBATCH line, such as --gres=gpu:1; may be repeated."),
    ] = None,
    registration: Annotated[Kind, typer.Option(help="none: the volumes share a space already.")] = Kind.rigid,
    model: Annotated[str, typer.Option(help="Name or folder of a model; see the command 'models'.")] = "default",
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Also say how sure each result is, with quality flags.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also say which modality decided, and what spoke for the lesions.")
    ] = False,
    explained: Annotated[
        str, typer.Option("--class", metavar="NAME", help="Class to explain instead of the lesions.")
    ] = "",
    report: Annotated[bool, typer.Option("--report", help="Also write report.html of each case.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure finished cases again too; every case is measured once anyway.")
    ] = False,
    device: DeviceOption = Device.auto,
    engine: Annotated[
        Engine, typer.Option(help="What computes the network; auto: OpenVINO on a processor where it is installed.")
    ] = Engine.auto,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Processors for one case; the machine's shared by its workers if left out."),
    ] = None,
    memory_limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="MB", help="Memory of one worker in MiB; the machine's shared if left out."),
    ] = None,
    synthetic_detail: SyntheticOption = False,
    events: EventsOption = None,
) -> None:
    """Register, segment and measure every case of a cohort. For research use only.

    The exit code is 1 if cases have failed; the others are finished all the same. While a file named 'pause' lies in
    the cohort's folder, no new case is begun.
    """
    told = listener(events)
    with ending(told, hint="What was finished is kept; the same command goes on.") as progress:
        from ..cohort.batch import run_batch
        from ..cohort.cluster import Place
        from ..cohort.options import CohortOptions

        options = CohortOptions(
            registration=registration.value,
            model=model,
            device=device.value,
            engine=engine.value,
            threads=threads,
            memory_limit_mb=memory_limit,
            uncertainty=uncertainty,
            explain=explain,
            explained=explained,
            report=report,
            measure=measure,
            synthetic_detail=synthetic_detail,
        )
        place = Place(
            workers=workers,
            scheduler=scheduler,
            slurm=slurm,
            partition=slurm_partition,
            account=slurm_account,
            walltime=slurm_time,
            directives=tuple(slurm_directive or ()),
            device=device.value,
        )
        failed = _told(told, run_batch(cases, out, options, place, progress, lambda link: told.say(f"Dask: {link}")))
        if failed:
            raise typer.Exit(1)


def _told(told: Listener, batch: Batch) -> bool:
    """Tell what became of the cohort; whether cases have failed."""
    from ..cohort.folder import INDEX, TABLE

    folder, count = batch.folder, len(batch.folder.cases)
    again = f", {batch.done_before} of them before" if batch.done_before else ""
    told.say(
        f"{count - len(batch.failed)} of {count} cases finished{again}, in {batch.seconds:.0f} s.",
        f"Table: {folder.path / TABLE}",
        f"Index: {folder.path / INDEX}",
    )
    for id in batch.failed[:20]:
        told.warn(f"{id} failed: {folder.outcomes[id].error} {folder.outcomes[id].hint}".rstrip())
    if len(batch.failed) > 20:
        told.warn(f"{len(batch.failed) - 20} more failed; the table names them.")
    told.result(
        {
            "folder": str(folder.path),
            "table": str(folder.path / TABLE),
            "index": str(folder.path / INDEX),
            "cases": count,
            "done_before": batch.done_before,
            "failed": list(batch.failed),
            "seconds": round(batch.seconds, 1),
        }
    )
    return bool(batch.failed)
