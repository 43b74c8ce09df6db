"""``train-enhance``: a model that adds detail to thick slices, from label maps and real volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .choices import Device, Events
from .ending import ending
from .listeners import listener

GRACE_S = 60.0
"""The state is written at the end of a volume; Ctrl-C leaves the process at once only after this."""


def train_enhance(
    labels: Annotated[Path, typer.Argument(help="Folder of whole-head label maps.")],
    out: Annotated[Path, typer.Option(help="Folder of the run and of the model; a run that is there goes on.")],
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="MR=FILE|CT=FILE", help="A real volume with voxels of 1 mm; may be repeated."),
    ] = None,
    regression: Annotated[
        bool, typer.Option("--regression", help="The same network without a flow, to compare with.")
    ] = False,
    steps: Annotated[int | None, typer.Option(min=1, help="Volumes of the whole run.")] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that make volumes.")] = None,
    name: Annotated[str, typer.Option(help="Name of the model.")] = "enhance",
    version: Annotated[str | None, typer.Option(help="Version of the model.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of weights and samples.")] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.auto,
    events: Annotated[Events | None, typer.Option(help="Tell progress and result as JSON lines on stdout.")] = None,
) -> None:
    """Train a model for the command enhance on made-up images, and on real ones if you give some.

    The state is saved often; the same command goes on after an interruption.
    """
    told = listener(events)
    with ending(told, grace_s=GRACE_S) as progress:
        from ..training.enhancement.plan import DetailPlan
        from ..training.enhancement.start import export, prepare

        options = {"steps": steps, "workers": workers, "version": version, "seed": seed}
        given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
        if regression:
            given["noise"] = 0.0
        plan = DetailPlan(labels=str(labels), images=tuple(image or ()), name=name, device=device.value, **given)
        trainer = prepare(plan, out)
        trainer.run(progress)
        bundle = export(out, out / name)
        told.say(f"Model after {trainer.step} volumes: {bundle.path}. Use it with: enhance --model {bundle.path}.")
        told.result({"model": str(bundle.path), "steps": trainer.step, "seconds": round(trainer.seconds, 1)})
