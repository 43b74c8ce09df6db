"""``explain``: why a finished run found what it found."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..run_lock import changing
from .choices import Device, DeviceOption, EventsOption, MemoryOption, SyntheticOption, ThreadsOption
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
        bool, typer.Option(help="Measure how far the maps can be believed; takes most of the time.")
    ] = True,
    quick: Annotated[
        bool, typer.Option("--quick", help="Believe it or not by fewer figures: no baselines, no single lesions.")
    ] = False,
    contributions: Annotated[
        bool, typer.Option("--contributions", help="Also ask which modality decided, structure by structure.")
    ] = False,
    model: Annotated[str, typer.Option(help="Model of the run, if it has moved since.")] = "",
    device: DeviceOption = Device.auto,
    threads: ThreadsOption = None,
    memory_limit: MemoryOption = None,
    synthetic_detail: SyntheticOption = False,
    events: EventsOption = None,
) -> None:
    """Show what spoke for a class of a finished run, and how far that can be believed. For research use only."""
    told = listener(events)
    with ending(told, hint="What the run held before is as it was; give the command again.") as progress, changing(run):
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
            thorough=not quick,
            device=device.value,
            threads=threads,
            memory_limit_mb=memory_limit,
            synthetic_detail=synthetic_detail,
        )
        names = run_explain(finished, options, progress)
        if contributions:
            asked = ContributionOptions(device.value, threads, memory_limit, synthetic_detail)
            told.say(*sentences(run_contributions(finished, asked, progress)))
        figures = json.loads((finished.folder.path / "explanation" / FIGURES).read_text(encoding="utf-8"))
        files = {name: str(map_file(finished.folder, name)) for name in names}
        told.say(*(f"{name}: {file}" for name, file in files.items()))
        if faithfulness:
            told.say(*(sentence for name in names if name in figures for sentence in _sentences(name, figures[name])))
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


def _sentences(name: str, figures: dict[str, Any]) -> list[str]:
    """The figures of a map for a person."""
    hit = "in" if figures["pointing_game"] else "not in"
    beside = ", ".join(f"{kind} {of['insertion_area']:.2f}" for kind, of in figures.get("baselines", {}).items())
    told = [
        f"{name}: insertion area {figures['insertion_area']:.2f} (the more, the better{beside and f'; {beside}'}), "
        f"deletion area {figures['deletion_area']:.2f} (the less, the better), stability {figures['stability']:.2f}; "
        f"the brightest place is {hit} the structure, {figures['mass_inside']:.0%} of the map inside it."
    ]
    if figures["ignores_weights"] is None:
        told.append(f"{name}: whether it depends on what the network has learned cannot be told, for a map is empty.")
    return told
