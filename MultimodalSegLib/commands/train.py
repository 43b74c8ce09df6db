"""``train``: a model from label maps, or from a laboratory's own images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from ..progress import Event, Progress
from .choices import EventsOption
from .ending import ending
from .listeners import Listener, Silent, listener

if TYPE_CHECKING:
    from ..training.estimate import Estimate
    from ..training.plan import Plan

GRACE_S = 120.0
"""A step may take long, and the state is written at its end; Ctrl-C leaves the process at once only after this."""

MINUTES = 100.0

# options that every command has which trains a network
Out = Annotated[Path, typer.Option(help="Folder of the training run; a run that is there already goes on.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Steps of the whole run.")]
Minutes = Annotated[
    float | None, typer.Option(min=0.0, help="Instead of steps: as many as fit; counts when a run begins.")
]
Name = Annotated[str | None, typer.Option(help="Name of the model.")]
Version = Annotated[str | None, typer.Option(help="Version of the model.")]
Seed = Annotated[int | None, typer.Option(help="Seed of weights and samples.")]
HeldOut = Annotated[list[str] | None, typer.Option(help="Label maps (file-name stems) or cases not to train on.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Two steps at each crop shape, then time and memory of the whole.")
]


def train(
    out: Out,
    plan: Annotated[Path | None, typer.Option(help="Every choice as a file; the command 'plan' proposes one.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Folder of whole-head label maps (NIfTI, SynthSeg's numbers).")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Data set of real images; see the command 'check-data'.")] = None,
    init: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model, training run or pre-trained encoder to start from.")
    ] = None,
    forget: Annotated[
        bool | None, typer.Option("--forget", help="Learn the classes of the data alone, not those of --init too.")
    ] = None,
    steps: Steps = None,
    minutes: Minutes = None,
    name: Name = None,
    version: Version = None,
    seed: Seed = None,
    held_out: HeldOut = None,
    dry_run: DryRun = False,
    events: EventsOption = None,
) -> None:
    """Train a fusion network and write it as a bundle.

    The plan lies in the folder of the run as plan.yaml. The state is saved every few minutes; the same command goes on
    after an interruption, and ends with the same weights.
    """
    told = first_listener(events)
    with ending(told, grace_s=GRACE_S, hint="The same command goes on.") as progress:
        from ..training.start import begun_plan

        given = {
            "init": init,
            "forget": forget,
            "steps": steps,
            "name": name,
            "version": version,
            "seed": seed,
            "held_out": held_out,
        }
        begun = begun_plan(out)
        chosen = changed(_plan(plan, labels, data, begun, init), given)
        if minutes is None and not (plan or steps or begun):
            minutes = MINUTES
        carry_out(told, chosen, out, None if steps else minutes, dry_run, progress)


def carry_out(told: Listener, plan: Plan, out: Path, minutes: float | None, dry_run: bool, progress: Progress) -> None:
    """Train as a plan says, and write the bundle.

    Args:
        told: hears of the result.
        plan: every choice.
        out: folder of the run.
        minutes: instead of the plan's steps as many as fit; counts when a run begins.
        dry_run: only estimate what it takes.
        progress: of the work.
    """
    from ..training.estimate import estimate, with_minutes
    from ..training.export import export
    from ..training.start import prepare

    said = Remembering(progress)
    trainer = prepare(plan, out, said)
    if dry_run:
        tell_estimate(told, plan, estimate(trainer, progress))
        return
    if minutes is not None and not trainer.step:
        found = trainer.fabric.broadcast(estimate(trainer, progress))
        plan = with_minutes(plan, found, minutes)
        trainer = prepare(plan, out)
    trainer.run(progress)
    if trainer.fabric.is_global_zero:
        bundle = export(out, out / plan.name)
        told.say(
            *said.sentences,
            f"Model {bundle.name} {bundle.version} after {trainer.step} steps: {bundle.path}",
        )
        told.result({"bundle": str(bundle.path), "steps": trainer.step, "seconds": round(trainer.seconds, 1)})


class Remembering:
    """A listener that keeps what was said of the initial weights, to repeat it at the end.

    Args:
        progress: hears everything.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.sentences: list[str] = []

    def __call__(self, event: Event) -> None:
        if event.stage == "init":
            self.sentences.append(event.message)
        self.progress(event)


def first_listener(events: str | None) -> Listener:
    """The listener asked for; the other processes of a run on several devices are silent."""
    from ..training.devices import is_first_process

    return listener(events) if is_first_process() else Silent()


def _plan(file: Path | None, labels: Path | None, data: Path | None, begun: Plan | None, init: str | None) -> Plan:
    """The plan that is given, or that of the run which has begun, or a new one."""
    from ..training.initial.known import read_known
    from ..training.plan_file import read_plan
    from ..training.propose import data_plan, label_map_plan

    if sum(given is not None for given in (file, labels, data)) > 1:
        raise InputError("--plan, --labels and --data exclude one another.", "Give one of them.")
    if file is not None:
        return read_plan(file)
    if begun is not None:
        return begun
    if labels is not None:
        return label_map_plan(labels, read_known(init) if init else None)
    if data is not None:
        return data_plan(data, known=read_known(init) if init else None)
    raise InputError("Nothing to train on is given.", "Give --plan, --labels or --data.")


def changed(plan: Plan, given: dict[str, Any]) -> Plan:
    """The plan with what the command line says otherwise."""
    changes = {name: value for name, value in given.items() if value is not None}
    if "held_out" in changes:
        changes["held_out"] = tuple(changes["held_out"])
    return replace(plan, **changes)


def tell_estimate(told: Listener, plan: Plan, found: Estimate) -> None:
    """Tell what a run will take."""
    from rich.table import Table

    table = Table("Stage", "Crop", "Part of the steps", "Seconds a step", "of samples", "Peak memory, MiB")
    for trial in found.trials:
        table.add_row(
            str(trial.stage + 1),
            " x ".join(map(str, trial.size)),
            f"{trial.chance:.0%}",
            f"{trial.computing:.2f}",
            f"{trial.making:.2f}",
            f"{trial.memory_mb:.0f}",
        )
    hours = plan.steps * found.step_seconds / 3600
    told.say(
        table,
        f"{plan.steps} steps of {found.step_seconds:.2f} s take about {hours:.1f} hours and {found.memory_mb:.0f} MiB.",
    )
    told.result(
        {
            "steps": plan.steps,
            "step_seconds": round(found.step_seconds, 4),
            "hours": round(hours, 3),
            "memory_mb": round(found.memory_mb, 1),
        }
    )
