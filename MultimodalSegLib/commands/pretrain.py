"""``pretrain``: an encoder from volumes without labels."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from .choices import Device, EventsOption
from .ending import ending
from .listeners import listener

GRACE_S = 120.0
"""A step may take long, and the state is written at its end; Ctrl-C leaves the process at once only after this."""


class Encoder(str, Enum):
    """Whose encoder is trained."""

    student = "student"
    teacher = "teacher"


def pretrain(
    data: Annotated[Path, typer.Argument(help="Folder of volumes (NIfTI, NRRD, MetaImage, DICOM) or a data set.")],
    out: Annotated[Path, typer.Option(help="Folder of the run and of the encoder; a run that is there goes on.")],
    modality: Annotated[
        str, typer.Option(help="What the volumes of a folder without a known arrangement are: CT, MR or PET.")
    ] = "",
    network: Annotated[Encoder | None, typer.Option(help="Whose encoder is trained: student or teacher.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of the whole run.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Instead of steps: as many as fit; counts when a run begins.")
    ] = None,
    spacing: Annotated[
        float | None, typer.Option(min=0.1, help="Millimetres per voxel; that of the data if left out.")
    ] = None,
    crop: Annotated[int | None, typer.Option(min=8, help="Side of the large crops, voxels.")] = None,
    batch: Annotated[int | None, typer.Option(min=2, help="Volumes of one step.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where to train.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of weights and samples.")] = None,
    events: EventsOption = None,
) -> None:
    """Let encoder and decoder learn from CT and MR volumes without labels, for: train --init OUT.

    A student learns to say of each place in a view what its slowly following teacher says of the same place in another
    one, and of hidden places what the teacher sees there (DINOv2). The state is saved every few minutes; the same
    command goes on after an interruption.
    """
    told = listener(events)
    with ending(told, grace_s=GRACE_S) as progress:
        from ..training.data.unlabelled import unlabelled
        from ..training.pretraining.start import begun_plan, prepare, propose, with_minutes

        options = {"steps": steps, "spacing": spacing, "crop": crop, "batch": batch, "seed": seed}
        given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        given |= {"device": device.value} if device else {}
        data_set = unlabelled(data, modality)
        begun = begun_plan(out, given)
        plan = begun or propose(data_set, (network or Encoder.student).value, progress, **given)
        trainer = prepare(plan, data_set, out, progress)
        if minutes is not None and steps is None and begun is None:
            trainer = prepare(with_minutes(trainer, minutes, progress), data_set, out, progress)
        trainer.run(progress)
        told.say(
            f"Encoder after {trainer.step} steps on {len(trainer.cases)} volumes ({', '.join(trainer.plan.families)}): "
            f"{out}. Start from it with: train --init {out}."
        )
        told.result({"encoder": str(out), "steps": trainer.step, "seconds": round(trainer.seconds, 1)})
