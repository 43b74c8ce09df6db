"""From a plan to a run that is ready to go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import InputError
from ..images.normalization import usual_normalization
from ..losses.schedule import LossSchedule
from ..losses.topology import TopologyLoss
from ..networks.build import build_network
from ..progress import Event, Progress, silent
from .checkpoint import LAST
from .data_source import data_set_source
from .devices import make_fabric
from .distillation.keeping import KeepingTask
from .distillation.task import DistillationTask
from .distillation.teacher import Teacher, require_cover
from .initial.known import KnownModel, read_known
from .initial.merge import knows_more, merged
from .initial.selection import can_select, select_from
from .initial.weights import start_from
from .loop import Trainer
from .model import network_settings
from .objective import Objective
from .plan import Plan
from .plan_file import PLAN, read_plan
from .source import Source, label_map_source
from .task import Task
from .unlabelled_source import unlabelled_source
from .validation import Validation


def open_source(plan: Plan, out: Path, progress: Progress = silent, known: KnownModel | None = None) -> Source:
    """The source that a plan names.

    Args:
        plan: with label maps, a data set or images.
        out: folder of the run.
        progress: told of each case that is prepared.
        known: the teacher, or the model to start from, which images are prepared for.

    Raises:
        InputError: none, or one that cannot be used.
    """
    cache = Path(plan.cache) if plan.cache else out / "prepared"
    ways = known.normalization if known and known.classes else {}
    if plan.labels:
        other = [family for family, way in ways.items() if way != usual_normalization(family)]
        if known and other:
            raise InputError(
                f"{known.title} wants {other[0]} images prepared in another way than those made of label maps.",
                "Use images of your own, or another model.",
            )
        return label_map_source(plan)
    if plan.data:
        return data_set_source(plan, cache, progress, ways)
    if plan.images and known:
        return unlabelled_source(plan, known, cache, progress)
    raise InputError("The plan names neither label maps nor a data set.", "Fill in 'labels' or 'data'.")


def prepare(plan: Plan, out: Path, progress: Progress = silent) -> Trainer:
    """Open the data, build the network and load the state that ``out`` may hold.

    Args:
        plan: every choice.
        out: folder of the run; made if it is not there.
        progress: told of each case of a data set that is prepared, and of the weights to start from.

    Raises:
        InputError: data, network, state, teacher or model to start from do not fit the plan.
        ModelError: no such teacher or model to start from.
        OutputError: the folder cannot be made.
    """
    begin = read_known(plan.init) if plan.init else None
    teacher = read_teacher(plan)
    data = open_source(plan, out, progress, teacher or begin)
    if teacher:
        require_cover(teacher, data.names, data.families)
    keeps = begin is not None and not teacher and not plan.forget and knows_more(begin, data)
    source = merged(data, begin) if begin and keeps else data
    settings = network_settings(plan, source)
    fabric = make_fabric(plan)
    torch.manual_seed(plan.seed)
    network = build_network(settings)
    model = model_metadata(plan, source, settings)
    if begin:
        model["started_from"] = begin.origin
    if teacher:
        model["distilled_from"] = teacher.origin
    if not (out / LAST).exists():
        told = first_weights(plan, network, model, begin, teacher)
        if told:
            progress(Event("init", 1, 1, told))
    objective = make_objective(plan, source, settings)
    task = Task(network, objective)
    if teacher:
        task = distillation_task(plan, network, objective, teacher, source)
    elif begin and keeps:
        task = keeping_task(plan, network, objective, begin, source, data)
    out.mkdir(parents=True, exist_ok=True)
    return Trainer(plan, task, source.samples, out, fabric, model, make_validation(plan, source, settings))


def first_weights(
    plan: Plan, network: nn.Module, model: Mapping[str, Any], begin: KnownModel | None, teacher: KnownModel | None
) -> str:
    """Give a new run's network its first weights, unless they are to be random.

    Args:
        plan: says how a student begins.
        network: gets them.
        model: its metadata.
        begin: the model to start from, which counts before the teacher.
        teacher: of a student.

    Returns:
        What was done, as a sentence; empty if nothing was wanted.

    Raises:
        InputError: the model to start from is another network.
    """
    if begin:
        return start_from(network, model, begin, plan.anew)
    if not teacher or plan.distillation.start != "teacher":
        return ""
    if not can_select(model["network"], teacher):
        return f"The student starts at random: its network is not cut from that of {teacher.title}."
    return select_from(network, model, teacher)


def read_teacher(plan: Plan) -> KnownModel | None:
    """The teacher of a plan's distillation, if there is one.

    Raises:
        InputError: it is another one than the plan says.
    """
    wanted = plan.distillation
    if not wanted.teacher:
        return None
    found = read_known(wanted.teacher)
    if wanted.checksum and found.checksum != wanted.checksum:
        raise InputError(
            f"The teacher {wanted.teacher} has the checksum {found.checksum[:12]}..., but the plan was made for "
            f"{wanted.checksum[:12]}....",
            "Put the teacher of the plan back, or begin a new run.",
        )
    return found


def distillation_task(
    plan: Plan, network: nn.Module, objective: Objective, teacher: KnownModel, source: Source
) -> DistillationTask:
    """A student with the teacher of a plan."""
    known = Teacher(teacher, source.families)
    return DistillationTask(network, objective, known, plan.distillation, objective.schedule, source.names)


def keeping_task(
    plan: Plan, network: nn.Module, objective: Objective, begin: KnownModel, source: Source, data: Source
) -> KeepingTask:
    """A network that keeps what the model it began with knows.

    Args:
        plan: with the weights of its ``distillation``.
        network: with the classes of ``source``.
        objective: the loss against labels.
        begin: the model.
        source: the classes of the model and of the data.
        data: the data alone.
    """
    paired = [n for n, entry in enumerate(source.classes) if "left" in entry]
    known = Teacher(begin, source.families)
    shown = data.names[1:]
    schedule = objective.schedule
    names = source.names
    return KeepingTask(network, objective, known, plan.distillation, schedule, names, shown, paired, bool(data.lesion))


def make_validation(plan: Plan, source: Source, settings: Mapping[str, Any]) -> Validation:
    """Dice of the held-out samples."""
    last = plan.stages[-1]
    lesion = bool(source.lesion) and bool(settings.get("lesion", True))
    return Validation(source.held_out, source.names, last.usual_size, last.kji, lesion)


def make_objective(plan: Plan, source: Source, settings: Mapping[str, Any]) -> Objective:
    """The losses of a plan, without those of outputs that the network or the data do not have.

    Raises:
        InputError: the topology of a class that is not there.
    """
    unknown = [name for name in plan.topology if name not in source.names]
    if unknown:
        raise InputError(f"The plan's topology names {unknown[0]!r}, which is no class.", "Correct the plan.")
    side = source.sided and bool(settings.get("side", True))
    lesion = bool(source.lesion) and bool(settings.get("lesion", True))
    off: dict[str, Any] = {} if side else {"side": 0.0}
    off |= {} if lesion else {"lesion": 0.0, "presence": 0.0}
    schedule = LossSchedule(tuple((place, replace(weights, **off)) for place, weights in plan.losses.points))
    channels = [source.names.index(name) for name in plan.topology]
    wanted = channels and any(weights.gamma for _, weights in schedule.points)
    return Objective(schedule, TopologyLoss() if wanted else None, channels)


def model_metadata(plan: Plan, source: Source, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of the bundle's metadata that are known before the training."""
    return {
        "name": plan.name,
        "version": plan.version,
        **source.about,
        "network": dict(settings),
        "working_spacing": plan.stages[-1].spacing if plan.labels else list(plan.stages[-1].xyz),
        "modality_families": list(source.families),
        "network_classes": [dict(entry) for entry in source.classes],
        "lesion": dict(source.lesion),
    }


def begun_plan(out: Path) -> Plan | None:
    """The plan of the run that a folder holds; None if none has begun there.

    Raises:
        InputError: its plan.yaml cannot be used.
    """
    return read_plan(out / PLAN) if (out / PLAN).exists() and (out / LAST).exists() else None
