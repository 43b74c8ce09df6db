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
from .checkpoint import LAST
from .devices import make_fabric
from .loop import Trainer
from .model import network_settings, start_from
from .objective import Objective
from .plan import Plan
from .plan_file import PLAN, read_plan
from .source import Source, open_source
from .task import Task
from .validation import Validation


def prepare(plan: Plan, out: Path) -> Trainer:
    """Open the data, build the network and load the state that ``out`` may hold.

    Args:
        plan: every choice.
        out: folder of the run; made if it is not there.

    Raises:
        InputError: data, network or state do not fit the plan.
        OutputError: the folder cannot be made.
    """
    source = open_source(plan)
    settings = network_settings(plan, source)
    _check_crops(plan, int(settings["stride"]))
    fabric = make_fabric(plan)
    torch.manual_seed(plan.seed)
    network = build_network(settings)
    if plan.init and not (out / LAST).exists():
        start_from(network, Path(plan.init))
    model = model_metadata(plan, source, settings)
    has_lesion = bool(source.lesion) and bool(settings.get("lesion", True))
    validation = Validation(source.held_out, source.names, source.held_out_cases, has_lesion)
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
        "working_spacing": plan.stages[-1].spacing,
        "modality_families": list(source.families),
        "network_classes": [dict(entry) for entry in source.classes],
        "lesion": dict(source.lesion),
    }


def _check_crops(plan: Plan, stride: int) -> None:
    for size in (size for stage in plan.stages for size in stage.sizes):
        if any(n % stride for n in size) or max(size) < 2 * stride:
            raise InputError(
                f"The plan's crop of {' x '.join(map(str, size))} voxels does not fit the network.",
                f"Use multiples of {stride}, with {2 * stride} or more along one axis at least.",
            )


def begun_plan(out: Path) -> Plan | None:
    """The plan of the run that a folder holds; None if none has begun there.

    Raises:
        InputError: its plan.yaml cannot be used.
    """
    return read_plan(out / PLAN) if (out / PLAN).exists() and (out / LAST).exists() else None
