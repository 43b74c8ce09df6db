"""Plans for a start: from the data and the computer at hand, to be edited."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import InputError
from ..images.grid import Grid, Triple
from ..inference.memory import available_bytes
from ..machine import usable_processors
from ..networks.device import choose_device, choose_precision
from ..progress import Event, Progress, silent
from .data.adapters import read_data_set
from .data.case import TrainingCase
from .data.splits import split
from .data.unlabelled import unlabelled
from .distillation.settings import Distillation
from .initial.known import KnownModel, read_known
from .plan import Plan, Size, Stage

STRIDE = 32
"""Of the student and the teacher."""

BYTES_PER_VOXEL = 600.0
"""Of training with one modality and 16 bits; 460 (student) to 530 (teacher) were measured on a processor, as half of
what two modalities took at 96 x 96 x 96."""

MEMORY_SHARE = 0.5
LARGEST = {"cpu": 96**3, "cuda": 128**3}
"""Voxels of a crop beyond which time, not memory, speaks against it."""

LOOKED_AT = 25
"""Images whose grids are read."""

FINER = 0.7
"""Spacing for small volumes, as a part of their own. The networks think at twice the spacing: on the hippocampus
(35 x 50 x 35 voxels of 1 mm) the Dice rose from .869 and .856 to .879 and .860 in half the time."""

HELD_OUT = 0.2
SPACINGS = (0.3, 5.0)
STEPS = {"cpu": 4000, "cuda": 20000}


@dataclass(frozen=True)
class Computer:
    """What a plan has to fit on.

    Args:
        device: cpu or cuda.
        free: bytes of its memory.
        wide: it computes in 32 bits, which takes twice the memory.
        processors: for making samples.
    """

    device: str
    free: float
    wide: bool
    processors: int

    @classmethod
    def here(cls) -> Computer:
        """This one."""
        device = choose_device("auto")
        free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_bytes()
        wide = choose_precision(device) is torch.float32
        return cls(device.type, float(free), wide, usable_processors())

    @property
    def workers(self) -> int:
        """Processes that make samples."""
        return max(1, min(8, self.processors - 1))


HEAD_TOPOLOGY = ("lateral ventricle", "hippocampus")
"""Structures of the head whose components, rings and hollows count."""


def label_map_plan(labels: Path, known: KnownModel | None = None) -> Plan:
    """Training on made-up images of label maps, as the shipped model was.

    Args:
        labels: folder.
        known: a model to start from, whose network is taken.
    """
    plan = Plan(labels=str(labels), topology=HEAD_TOPOLOGY, workers=Computer.here().workers)
    return replace(plan, network=_like(known, plan.network, 0.0)[0])


def image_plan(images: Path, teacher: str, computer: Computer | None = None, seed: int = 0) -> Plan:
    """Learning from a teacher on images without labels.

    Args:
        images: folder.
        teacher: name or folder of a model, whose spacing is taken.
        computer: this one if None.
        seed: of the run.

    Raises:
        InputError: the images cannot be used.
    """
    computer = computer or Computer.here()
    known = read_known(teacher)
    data_set = unlabelled(images)
    grids = grids_of(data_set.cases, silent)
    _, spacing = _like(known, "", usual_spacing(grids))
    voxels = _most_voxels(computer, max(len(case.images) for case in data_set.cases))
    steps = STEPS[computer.device]
    return Plan(
        name=f"{known.origin['name']}-student",
        images=str(images),
        held_out=(),
        distillation=Distillation(teacher, known.checksum, hard=0.0),
        network="student",
        stages=(Stage(1.0, spacing, (_crop(grids, spacing, voxels),), (1.0,)),),
        steps=steps,
        workers=computer.workers,
        seed=seed,
    )


def _like(
    known: KnownModel | None, network: str | Mapping[str, Any], spacing: float
) -> tuple[str | Mapping[str, Any], float | Triple]:
    """The network (without what depends on the data) and the spacing of a known model, or those proposed."""
    if known is None:
        return network, spacing
    from_data = ("families", "classes", "side", "lesion", "stride")
    own = {key: value for key, value in known.metadata["network"].items() if key not in from_data}
    steps = set(known.spacing or (spacing,))
    return own, steps.pop() if len(steps) == 1 else known.spacing or spacing


def data_plan(
    data: Path,
    computer: Computer | None = None,
    seed: int = 0,
    progress: Progress = silent,
    known: KnownModel | None = None,
    wanted: Triple | None = None,
) -> Plan:
    """Training on real images.

    The spacing is the median of the data (geometric mean of the three axes) or, where two whole volumes can be computed
    at once even so, :data:`FINER`; the crop is as large as the data, the memory and the time allow, and a fifth of the
    patients is held out.

    Args:
        data: description, table or folder of a data set.
        computer: this one if None.
        seed: of the run and of who is held out.
        progress: told of each image that is looked at.
        known: a model to start from, whose network and spacing are taken.
        wanted: millimetres along x, y, z instead, such as
            :data:`~MultimodalSegLib.training.data.prepare.THICK_SLICES`.

    Raises:
        InputError: the data cannot be used.
    """
    computer = computer or Computer.here()
    data_set = read_data_set(data)
    labelled = data_set.labelled
    if not labelled:
        raise InputError(f"No case of {data} has a label.", "Give labels to learn from.")
    grids = grids_of(labelled, progress)
    voxels = _most_voxels(computer, max(len(case.images) for case in labelled))
    usual = usual_spacing(grids)
    finer = round(FINER * usual, 2)
    small = 2 * math.prod(_crop(grids, finer, math.inf)) <= voxels
    kind = "teacher" if computer.device == "cuda" else "student"
    network, spacing = _like(known, kind, finer if small else usual)
    spacing = wanted or spacing
    crop = _crop(grids, spacing, voxels)
    batch = max(1, min(4, int(voxels / math.prod(crop))))
    patients = {case.patient for case in labelled}
    held_out = split(labelled, {"train": 1 - HELD_OUT, "validation": HELD_OUT}, seed) if len(patients) > 1 else {}
    steps = STEPS[computer.device]
    return Plan(
        name=data_set.name.lower().replace(" ", "-"),
        data=str(data),
        held_out=held_out.get("validation", ()),
        network=network,
        stages=(Stage(1.0, spacing, (crop,), (1.0,)),),
        batch=batch,
        steps=steps,
        validation_steps=max(1, steps // 20),
        workers=computer.workers,
        seed=seed,
    )


def grids_of(cases: Sequence[TrainingCase], progress: Progress) -> list[Grid]:
    """Grids of the reference images of some cases, evenly taken."""
    chosen = [cases[n] for n in np.linspace(0, len(cases) - 1, min(len(cases), LOOKED_AT)).astype(int)]
    grids = []
    for number, case in enumerate(chosen):
        progress(Event("look", number, len(chosen), case.name))
        grids.append(case.images[case.reference].read().grid)
    progress(Event("look", len(chosen), len(chosen), ""))
    return grids


def usual_spacing(grids: Sequence[Grid]) -> float:
    """Isotropic, millimetres, to a tenth (or two digits below 1 mm)."""
    middle = float(np.median([math.prod(grid.spacing) ** (1 / 3) for grid in grids]))
    least, most = SPACINGS
    return round(min(max(middle, least), most), 1 if middle >= 1 else 2)


def _most_voxels(computer: Computer, modalities: int) -> float:
    """Voxels that may be computed at once."""
    each = BYTES_PER_VOXEL * modalities * (2 if computer.wide else 1)
    return min(MEMORY_SHARE * computer.free / each, LARGEST[computer.device])


def _crop(grids: Sequence[Grid], spacing: float | Triple, most: float) -> Size:
    """Multiples of the stride that cover the median volume; cut along the longest axis until they fit."""
    extents = np.median([np.multiply(grid.size, grid.spacing)[::-1] for grid in grids], axis=0)
    voxels = extents / np.broadcast_to(spacing, 3)[::-1]
    crop = [max(STRIDE, math.ceil(count / STRIDE) * STRIDE) for count in voxels]
    while math.prod(crop) > most and max(crop) > STRIDE:
        crop[int(np.argmax(crop))] -= STRIDE
    return crop[0], crop[1], crop[2]
