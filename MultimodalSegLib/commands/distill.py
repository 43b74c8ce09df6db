"""``distill``: a smaller model that learns from a larger one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from .choices import EventsOption
from .ending import ending
from .train import (
    GRACE_S,
    MINUTES,
    DryRun,
    HeldOut,
    Minutes,
    Name,
    Out,
    Seed,
    Steps,
    Version,
    carry_out,
    changed,
    first_listener,
)

if TYPE_CHECKING:
    from ..training.plan import Plan


def distill(
    out: Out,
    teacher: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model (name or folder) or training run to learn from.")
    ] = None,
    student: Annotated[
        str, typer.Option(metavar="NETWORK", help="small, student, or a file (YAML or JSON) with a network's settings.")
    ] = "student",
    labels: Annotated[
        Path | None, typer.Option(help="Folder of whole-head label maps: learn from them and from the teacher.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Data set of images with labels, likewise.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of images without labels: learn from the teacher alone.")
    ] = None,
    steps: Steps = None,
    minutes: Minutes = None,
    temperature: Annotated[float | None, typer.Option(help="Softens the teacher's answers.")] = None,
    hard: Annotated[float | None, typer.Option(help="Weight of the labels.")] = None,
    soft: Annotated[float | None, typer.Option(help="Weight of the teacher's answers.")] = None,
    features: Annotated[float | None, typer.Option(help="Weight of the teacher's features.")] = None,
    attention: Annotated[float | None, typer.Option(help="Weight of where these are strong.")] = None,
    start: Annotated[
        str | None, typer.Option(metavar="teacher|random", help="The student's first weights: cut from the teacher's.")
    ] = None,
    name: Name = None,
    version: Version = None,
    seed: Seed = None,
    held_out: HeldOut = None,
    dry_run: DryRun = False,
    events: EventsOption = None,
) -> None:
    """Train a smaller network on what a larger one says, and write it as a bundle.

    The run is one of the command train: its plan.yaml names the teacher, and the same command goes on.
    """
    told = first_listener(events)
    with ending(told, grace_s=GRACE_S, hint="The same command goes on.") as progress:
        from dataclasses import replace

        from ..training.start import begun_plan

        begun = begun_plan(out)
        plan = begun or _plan(teacher, student, labels, data, images)
        given = {"steps": steps, "name": name, "version": version, "seed": seed, "held_out": held_out}
        weights = {"temperature": temperature, "hard": hard, "soft": soft, "features": features, "attention": attention}
        wanted: dict[str, Any] = {**weights, "start": start}
        chosen = {key: value for key, value in wanted.items() if value is not None}
        try:
            plan = changed(replace(plan, distillation=replace(plan.distillation, **chosen)), given)
        except ValueError as error:
            raise InputError(f"Impossible: {error}.", "Correct the option.") from error
        if minutes is None and not (steps or begun):
            minutes = MINUTES
        carry_out(told, plan, out, None if steps else minutes, dry_run, progress)


def _plan(teacher: str | None, student: str, labels: Path | None, data: Path | None, images: Path | None) -> Plan:
    """A new plan."""
    from dataclasses import replace

    from ..training.distillation.settings import Distillation
    from ..training.initial.known import read_known
    from ..training.propose import data_plan, image_plan, label_map_plan

    if teacher is None:
        raise InputError("No teacher is given.", "Give --teacher with the name or folder of a model.")
    known = read_known(teacher)
    match labels, data, images:
        case None, None, Path():
            return replace(image_plan(images, teacher), network=_network(student))
        case Path(), None, None:
            plan = label_map_plan(labels)
        case None, Path(), None:
            plan = data_plan(data, known=known)
        case _:
            raise InputError("There must be one thing to learn on.", "Give one of --labels, --data and --images.")
    name = f"{known.origin['name']}-student"
    return replace(plan, name=name, network=_network(student), distillation=Distillation(teacher, known.checksum))


def _network(student: str) -> str | dict[str, Any]:
    """A network's name, or the settings in a file.

    Raises:
        InputError: a file that holds no settings.
    """
    path = Path(student)
    if not path.is_file():
        return student
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"The network {path} cannot be read: {error}.", "Give YAML or JSON.") from error
    if not isinstance(content, dict):
        raise InputError(f"The network {path} holds no settings.", "Give lines like 'widths: [16, 32, 64]'.")
    return content
