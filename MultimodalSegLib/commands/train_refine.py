"""``train-refine``: a model that answers clicks, from label maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .choices import Device, EventsOption
from .ending import ending
from .listeners import listener

GRACE_S = 120.0
"""A volume may take long, and the state is written at its end; Ctrl-C leaves the process at once only after this."""


def train_refine(
    labels: Annotated[Path, typer.Argument(help="Folder of whole-head label maps.")],
    out: Annotated[Path, typer.Option(help="Folder of the run and of the model; a run that is there goes on.")],
    trunk: Annotated[str, typer.Option(metavar="MODEL", help="Model whose features are read.")] = "head-student",
    steps: Annotated[int | None, typer.Option(min=1, help="Volumes of the whole run.")] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that make volumes.")] = None,
    name: Annotated[str, typer.Option(help="Name of the model.")] = "refine",
    version: Annotated[str | None, typer.Option(help="Version of the model.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of weights and samples.")] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.auto,
    events: EventsOption = None,
) -> None:
    """Train a model for the command refine on made-up images with simulated clicks.

    The trunk stays as it is and is stored with the head that was trained. The state is saved often; the same command
    goes on after an interruption.
    """
    told = listener(events)
    with ending(told, grace_s=GRACE_S) as progress:
        from ..training.refinement.plan import ClickPlan
        from ..training.refinement.start import export, prepare

        options = {"steps": steps, "workers": workers, "version": version, "seed": seed}
        given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
        plan = ClickPlan(labels=str(labels), trunk=trunk, name=name, device=device.value, **given)
        trainer = prepare(plan, out)
        trainer.run(progress)
        bundle = export(out, out / name)
        told.say(f"Model after {trainer.step} volumes: {bundle.path}. Use it with: refine --model {bundle.path}.")
        told.result({"model": str(bundle.path), "steps": trainer.step, "seconds": round(trainer.seconds, 1)})
