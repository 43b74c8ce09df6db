"""``train``: a model from label maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from .choices import Events
from .ending import ending
from .listeners import listener


def train(
    labels: Annotated[Path, typer.Option(help="Folder of whole-head label maps (NIfTI, SynthSeg's numbers).")],
    out: Annotated[Path, typer.Option(help="Folder of the training run; a run that is there already goes on.")],
    minutes: Annotated[float, typer.Option(help="Time to train for, all stretches together.", min=0.0)] = 100.0,
    name: Annotated[str, typer.Option(help="Name of the model.")] = "head",
    version: Annotated[str, typer.Option(help="Version of the model.")] = "0.1.0",
    seed: Annotated[int, typer.Option(help="Seed of weights and samples.")] = 0,
    held_out: Annotated[list[str] | None, typer.Option(help="Label maps (file-name stems) not to train on.")] = None,
    events: Annotated[Events | None, typer.Option(help="Tell progress and result as JSON lines on stdout.")] = None,
) -> None:
    """Train a fusion network on made-up images of label maps and write it as a bundle.

    The state is saved every few minutes; the same command goes on after an interruption. With a budget that is spent
    already, the bundle is written from the saved state.
    """
    told = listener(events)
    with ending(told) as progress:
        from ..training.export import export
        from ..training.loop import Trainer
        from ..training.plan import Plan

        plan = Plan(minutes=minutes, seed=seed)
        if held_out is not None:
            plan = replace(plan, held_out=tuple(held_out))
        trainer = Trainer(plan, labels, out)
        trainer.run(progress)
        bundle = export(out, out / name, name=name, version=version)
        told.say(f"Model {bundle.name} {bundle.version} after {trainer.step} steps: {bundle.path}")
        told.result({"bundle": str(bundle.path), "steps": trainer.step, "seconds": round(trainer.seconds, 1)})
