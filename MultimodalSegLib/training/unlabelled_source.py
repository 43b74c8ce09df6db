"""Images without labels as the source of a run: whatever is learnt of them, a teacher says."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..errors import InputError
from ..models.bundle import modality_family
from ..progress import Progress, silent
from .data.cache import prepare_all
from .data.prepare import Preparation
from .data.unlabelled import unlabelled
from .data_source import CaseSamples
from .initial.known import KnownModel
from .plan import Plan
from .source import Source


def unlabelled_source(plan: Plan, teacher: KnownModel, cache: Path, progress: Progress = silent) -> Source:
    """Prepare the images of a folder as the teacher needs them; the classes are the teacher's.

    Args:
        plan: with ``images``.
        teacher: from whom the student learns.
        cache: folder for prepared cases.
        progress: told of each case.

    Raises:
        InputError: no image, or one of a modality that the teacher does not know.
    """
    data_set = unlabelled(Path(plan.images))
    strange = [name for name in data_set.modalities if modality_family(name, teacher.families) not in teacher.families]
    if strange:
        raise InputError(
            f"The teacher {teacher.title} cannot use {strange[0]} images; it knows {', '.join(teacher.families)}.",
            f"Take the {strange[0]} images out of {plan.images}, or choose another teacher.",
        )
    ways = teacher.normalization
    preparations = {
        stage.xyz: Preparation(stage.xyz, teacher.families, plan.registration, ways) for stage in plan.stages
    }
    prepared = {
        spacing: prepare_all(data_set, preparation, cache, progress=progress).cases
        for spacing, preparation in preparations.items()
    }
    shaded = tuple(n for n, family in enumerate(teacher.families) if family == "MR")
    last = plan.stages[-1]
    about = {
        "description": teacher.metadata["description"],
        "license": teacher.metadata["license"],
        "training_data": f"{len(data_set.cases)} cases of {data_set.name} without labels, seen by {teacher.title}.",
        "limits": teacher.metadata["limits"],
    }
    return Source(
        partial(CaseSamples, prepared, shaded, labelled=False),
        (),
        teacher.families,
        teacher.classes,
        teacher.lesion,
        about | preparations[last.xyz].metadata() | {"patch": list(last.usual_size)},
        len(data_set.cases),
    )
