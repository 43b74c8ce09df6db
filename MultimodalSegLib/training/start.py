"""From a plan to a run that is ready to go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..losses.schedule import LossSchedule
from ..losses.topology import TopologyLoss
from ..networks.build import build_network
from ..progress import Progress, silent
from .checkpoint import LAST
from .data_source import data_set_source
from .devices import make_fabric
from .loop import Trainer
from .model import network_settings, start_from
from .objective import Objective
from .plan import Plan
from .plan_file import PLAN, read_plan
from .source import Source, label_map_source
from .task import Task
from .validation import Validation


def open_source(plan: Plan, out: Path, progress: Progress = silent) -> Source:
    """The source that a plan names.

    Args:
        plan: with label maps or a data set.
        out: folder of the run.
        progress: told of each case that is prepared.

    Raises:
        InputError: none, or one that cannot be used.
    """
    if plan.labels:
        return label_map_source(plan)
    if plan.data:
        return data_set_source(plan, Path(plan.cache) if plan.cache else out / "prepared", progress)
    raise InputError("The plan names neither label maps nor a data set.", "Fill in 'labels' or 'data'.")


def prepare(plan: Plan, out: Path, progress: Progress = silent) -> Trainer:
    """Open the data, build the network and load the state that ``out`` may hold.

    Args:
        plan: every choice.
        out: folder of the run; made if it is not there.
        progress: told of each case of a data set that is prepared.

    Raises:
        InputError: data, network or state do not fit the plan.
        OutputError: the folder cannot be made.
    """
    source = open_source(plan, out, progress)
    settings = network_settings(plan, source)
    fabric = make_fabric(plan)
    torch.manual_seed(plan.seed)
    network = build_network(settings)
    if plan.init and not (out / LAST).exists():
        start_from(network, Path(plan.init))
    model = model_metadata(plan, source, settings)
    has_lesion = bool(source.lesion) and bool(settings.get("lesion", True))
    last = plan.stages[-1]
    validation = Validation(source.held_out, source.names, last.usual_size, last.kji, has_lesion)
    task = Task(network, make_objective(plan, source, settings))
    out.mkdir(parents=True, exist_ok=True)
    return Trainer(plan, task, source.samples, out, fabric, model, validation)


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
