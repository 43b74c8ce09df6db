"""``uncertainty``: how sure a finished run is."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..run_lock import changing
from .choices import Device, DeviceOption, EventsOption, MemoryOption, SyntheticOption, ThreadsOption
from .ending import ending
from .listeners import Listener, listener


class Method(str, Enum):
    """Where several answers come from."""

    tta = "tta"
    dropout = "dropout"
    ensemble = "ensemble"


def uncertainty(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    method: Annotated[
        Method,
        typer.Option(help="tta: the case slightly changed; dropout: the network thinned; ensemble: several models."),
    ] = Method.tta,
    samples: Annotated[int, typer.Option(min=2, max=100, help="Answers to compare, each a run of the network.")] = 8,
    ensemble: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Another model of an ensemble; may be repeated.")
    ] = None,
    views: Annotated[
        bool, typer.Option("--views", help="Compare axial, coronal and sagittal views: 3 more runs.")
    ] = False,
    alone: Annotated[
        bool, typer.Option("--alone", help="Compare what each modality alone says: one more run for each.")
    ] = False,
    model: Annotated[str, typer.Option(help="The run's model, where it lies somewhere else now.")] = "",
    device: DeviceOption = Device.auto,
    threads: ThreadsOption = None,
    memory_limit: MemoryOption = None,
    seed: Annotated[int, typer.Option(min=0, help="The same one gives the same result.")] = 0,
    synthetic_detail: SyntheticOption = False,
    events: EventsOption = None,
) -> None:
    """Say how sure a run is: maps of doubt, intervals of volumes, quality flags. For research use only."""
    told = listener(events)
    with ending(told, hint="The run is as it was; the same command starts again.") as progress, changing(run):
        from ..restore import open_run
        from ..stages.uncertainty import UncertaintyOptions, run_uncertainty

        finished = open_run(run, model)
        options = UncertaintyOptions(
            method=method.value,
            samples=samples,
            ensemble=tuple(ensemble or ()),
            views=views,
            alone=alone,
            device=device.value,
            threads=threads,
            memory_limit_mb=memory_limit,
            seed=seed,
            synthetic_detail=synthetic_detail,
        )
        summary = run_uncertainty(finished, options, progress)
        flags = finished.folder.record["flags"]
        _tell(told, summary, flags)
        told.result({"run": str(run), "summary": summary, "flags": flags})


def _tell(told: Listener, summary: dict[str, Any], flags: list[dict[str, str]]) -> None:
    """Intervals, the views that agree least, and flags, for a person."""
    from ..report.tables import interval_name

    for row in summary["volumes"].values():
        interval = f"{interval_name(row['level'])} {row['low_ml']:.2f} to {row['high_ml']:.2f} ml"
        told.say(f"{row['name']}: {row['ml']:.2f} ml, {interval}.")
    for name, dice in sorted(summary["views"].items(), key=lambda pair: pair[1])[:5]:
        told.say(f"{name}: the three views agree with a Dice of {dice:.2f}.")
    for name, place in summary["alone"].items():
        told.say(f"{name} alone: {place['distance_mm']:.1f} mm from the reference alone, Dice {place['dice']:.2f}.")
    for flag in flags:
        if flag["level"] == "info":
            told.say(flag["sentence"])
        else:
            told.warn(flag["sentence"])
