"""``train-paint``: a model that paints lesions, from label maps and real lesions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .choices import Device, DeviceOption, EventsOption
from .ending import ending
from .listeners import listener
from .train_enhance import GRACE_S


def train_paint(
    labels: Annotated[Path, typer.Argument(help="Folder of whole-head label maps.")],
    out: Annotated[Path, typer.Option(help="Folder of the run and of the model; a run that is there goes on.")],
    real: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MR=IMAGE,MASK,KIND",
            help="A real lesion: image (MR or CT; several of one patient may follow one another), mask and kind; may "
            "be repeated.",
        ),
    ] = None,
    real_share: Annotated[float | None, typer.Option(min=0, max=1, help="Part of the volumes that are real.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Volumes of the whole run.")] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that make volumes.")] = None,
    name: Annotated[str, typer.Option(help="Name of the model.")] = "paint",
    version: Annotated[str | None, typer.Option(help="Version of the model.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of weights and samples.")] = None,
    device: DeviceOption = Device.auto,
    events: EventsOption = None,
) -> None:
    """Train a model for the command paint on made-up lesions, and on real ones if you give some.

    The state is saved often; the same command goes on after an interruption.
    """
    told = listener(events)
    with ending(told, grace_s=GRACE_S) as progress:
        from ..training.painting.plan import PaintPlan
        from ..training.painting.start import export, prepare

        options = {"steps": steps, "workers": workers, "version": version, "seed": seed, "real_share": real_share}
        given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
        plan = PaintPlan(labels=str(labels), real=tuple(real or ()), name=name, device=device.value, **given)
        trainer = prepare(plan, out)
        trainer.run(progress)
        bundle = export(out, out / name)
        told.say(f"Model after {trainer.step} volumes: {bundle.path}. Use it with: paint --model {bundle.path}.")
        told.result({"model": str(bundle.path), "steps": trainer.step, "seconds": round(trainer.seconds, 1)})
