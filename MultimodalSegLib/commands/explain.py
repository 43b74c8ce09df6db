"""``explain``: why a finished run found what it found."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .choices import Device, Events
from .ending import ending
from .listeners import listener


class Method(str, Enum):
    """How a map is made."""

    gradcam = "gradcam"
    gradcam_plus_plus = "gradcam++"
    hirescam = "hirescam"
    integrated_gradients = "integrated-gradients"
    occlusion = "occlusion"
    attention = "attention"


def explain(
    run: Annotated[Path, typer.Argument(help="Run folder of the command 'segment'.")],
    name: Annotated[str, typer.Option("--class", metavar="NAME", help="Class to explain.")] = "lesion",
    method: Annotated[Method, typer.Option(help="How the map is made.")] = Method.gradcam,
    lesion: Annotated[
        int, typer.Option(min=0, metavar="N", help="A single lesion, 1 is the largest; all of them if left out.")
    ] = 0,
    layer: Annotated[
        str, typer.Option(help="Layer of a CAM, such as fused8, decoded4 or encoder8 (one map per modality).")
    ] = "",
    faithfulness: Annotated[
        bool, typer.Option(help="Measure how far the map can be believed; takes most of the time.")
    ] = True,
    contributions: Annotated[
        bool, typer.Option("--contributions", help="Also ask which modality decided, structure by structure.")
    ] = False,
    model: Annotated[str, typer.Option(help="Model of the run, if it has moved since.")] = "",
    device: Annotated[Device, typer.Option(help="Where the network runs.")] = Device.auto,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    memory_limit: Annotated[
        int | None, typer.Option(min=1, metavar="MB", help="Memory for the network in MiB.")
    ] = None,
    events: Annotated[Events | None, typer.Option(help="Tell progress and result as JSON lines on stdout.")] = None,
) -> None:
    """Show what spoke for a class of a finished run, and how far that can be believed. For research use only."""
    told = listener(events)
    with ending(told, hint="What the run held before is as it was; give the command again.") as progress:
        from ..explain.contributions import sentences
        from ..restore import open_run
        from ..stages.contributions import ContributionOptions, run_contributions
        from ..stages.explain import FIGURES, map_file, run_explain
        from ..stages.explain_options import ExplainOptions

        finished = open_run(run, model)
        before = list(finished.folder.record["warnings"])
        options = ExplainOptions(
            name=name,
            method=method.value,
            lesion=lesion,
            layer=layer,
            faithfulness=faithfulness,
            device=device.value,
            threads=threads,
            memory_limit_mb=memory_limit,
        )
        names = run_explain(finished, options, progress)
        if contributions:
            asked = ContributionOptions(device.value, threads, memory_limit)
            told.say(*sentences(run_contributions(finished, asked, progress)))
        figures = json.loads((finished.folder.path / "explanation" / FIGURES).read_text(encoding="utf-8"))
        files = {name: str(map_file(finished.folder, name)) for name in names}
        told.say(*(f"{name}: {file}" for name, file in files.items()))
        if faithfulness:
            told.say(_sentence(figures[names[0]]))
        warnings = [sentence for sentence in finished.folder.record["warnings"] if sentence not in before]
        for sentence in warnings:
            told.warn(sentence)
        told.result(
            {
                "run": str(finished.folder.path),
                "maps": files,
                "faithfulness": {name: figures[name] for name in names if name in figures},
                "warnings": warnings,
            }
        )


def _sentence(figures: dict[str, float]) -> str:
    """The figures of the first map for a person."""
    hit = "in" if figures["pointing_game"] else "not in"
    return (
        f"Insertion area {figures['insertion_area']:.2f} (the more, the better), deletion area "
        f"{figures['deletion_area']:.2f} (the less, the better), stability {figures['stability']:.2f}; the brightest "
        f"place is {hit} the structure, {figures['mass_inside']:.0%} of the map inside it."
    )
