"""From a folder of volumes to a pre-training run that is ready to go."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...progress import Event, Progress, silent
from ..checkpoint import LAST, read_state
from ..data.cache import prepare_all
from ..data.data_set import DataSet
from ..data.prepare import Preparation
from ..devices import make_fabric
from ..propose import grids_of, usual_spacing
from .loop import KEYS, Pretrainer
from .plan import PretrainingPlan, crop_sizes, network_entry

TRIAL_STEPS = 3
"""The first pays for what is done once; the quickest counts."""

WARM_UP_SHARE = 10
"""The warm-up takes at most one step in so many."""


def propose(
    data_set: DataSet,
    network: str | Mapping[str, Any] = "student",
    progress: Progress = silent,
    *,
    crop: int | None = None,
    **choices: Any,
) -> PretrainingPlan:
    """A plan for the volumes at hand: their median spacing, and crops that suit the network.

    Args:
        data_set: without labels, see :func:`.volumes.unlabelled`.
        network: student, teacher, or the ``network`` entry of a fusion network.
        progress: told of each image that is looked at.
        crop: voxels along the edge of the large crops.
        choices: values of :class:`.plan.PretrainingPlan` that are known.

    Raises:
        InputError: an impossible choice, or a volume that cannot be read.
    """
    families = data_set.families
    entry = network_entry(network, len(families)) if isinstance(network, str) else dict(network)
    large, small = crop_sizes(int(entry["stride"]), crop)
    known = {"global_size": large, "local_size": small} | choices
    if "spacing" not in known:
        known["spacing"] = usual_spacing(grids_of(data_set.cases, progress))
    plan = PretrainingPlan(entry, families, **known)
    return replace(plan, warm_up_steps=min(plan.warm_up_steps, plan.steps // WARM_UP_SHARE))


def begun_plan(out: Path, given: Mapping[str, Any]) -> PretrainingPlan | None:
    """The plan of the run that a folder holds; None if none has begun there.

    Args:
        out: folder of the run.
        given: choices that the user makes now.

    Raises:
        InputError: it began with other choices.
    """
    if not (out / LAST).exists():
        return None
    plan = PretrainingPlan.from_dict(read_state(out / LAST, KEYS)["plan"])
    began = {**vars(plan), "crop": plan.global_size[0]}
    for name, value in given.items():
        if began[name] != value:
            raise InputError(
                f"The run in {out} began with {name} {began[name]}, not {value}.",
                "Leave the option out to go on, or choose another folder.",
            )
    return plan


def prepare(plan: PretrainingPlan, data_set: DataSet, out: Path, progress: Progress = silent) -> Pretrainer:
    """Prepare the volumes, build student and teacher, and load the state that ``out`` may hold.

    Args:
        plan: every choice.
        data_set: without labels.
        out: folder of the run; gets a folder ``prepared`` with the volumes.
        progress: told of each volume.

    Raises:
        InputError: a volume that cannot be used, by name, or a state of another network.
        RegistrationError: images of a case that cannot be aligned.
        OutputError: the volumes cannot be written.
    """
    preparation = Preparation((plan.spacing,) * 3, plan.families)
    cases = prepare_all(data_set, preparation, out / "prepared", progress=progress).cases
    return Pretrainer(plan, cases, out, make_fabric(plan.training))


def with_minutes(trainer: Pretrainer, minutes: float, progress: Progress = silent) -> PretrainingPlan:
    """The plan with as many steps as fit into so many minutes, measured on real steps.

    The trainer's weights are changed by it: prepare another one for the run itself.

    Args:
        trainer: a new one.
        minutes: of the whole run.
        progress: told after each step.
    """
    batches, took = trainer.batches(), []
    for number in range(TRIAL_STEPS):
        progress(Event("estimate", number, TRIAL_STEPS, ""))
        began = time.perf_counter()
        trainer.advance(batches)
        took.append(time.perf_counter() - began)
    progress(Event("estimate", TRIAL_STEPS, TRIAL_STEPS, ""))
    steps = max(1, int(60.0 * minutes / min(took[1:])))
    return replace(trainer.plan, steps=steps, warm_up_steps=min(trainer.plan.warm_up_steps, steps // WARM_UP_SHARE))
