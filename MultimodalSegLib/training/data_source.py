"""A laboratory's own images as the source of a run."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ..errors import InputError
from ..images.grid import Triple
from ..images.normalization import Normalization
from ..notice import RESEARCH_USE
from ..progress import Progress, silent
from .data.adapters import read_data_set
from .data.cache import PreparedCase, prepare_all
from .data.classes import LabelClass, structures
from .data.data_set import DataSet, with_classes
from .data.patches import crop
from .data.prepare import Preparation
from .data.real_samples import RealSamples, SampleSettings
from .plan import Plan, Size
from .samples import Sample
from .source import Source

GOLDEN = 0.618
"""Part of the color circle between one class and the next; neighbors never look alike."""


class CaseSamples(Dataset[Sample]):
    """The samples of a run by number, from real cases prepared at the spacing of each stage.

    Args:
        cases: by spacing, x, y, z in mm.
        shaded: numbers of the families that can have a coil shading.
        plan: seed, batch, steps, stages and augmentation.
        labelled: False for cases without labels.
    """

    def __init__(
        self, cases: Mapping[Triple, Sequence[PreparedCase]], shaded: tuple[int, ...], plan: Plan, labelled: bool = True
    ) -> None:
        self.plan = plan
        size = plan.stages[-1].sizes[0]
        settings = SampleSettings(size, augmentation=plan.augmentation, shaded=shaded, labelled=labelled)
        self._samples = {
            spacing: RealSamples(prepared, settings, plan.seed, self._size) for spacing, prepared in cases.items()
        }

    def __len__(self) -> int:
        return self.plan.steps * self.plan.batch

    def __getitem__(self, n: int) -> Sample:
        stage, _ = self.plan.crop(n // self.plan.batch)
        return self._samples[stage.xyz][n]

    def _size(self, n: int) -> Size:
        return self.plan.crop(n // self.plan.batch)[1]


class WholeCases(Dataset[Sample]):
    """Prepared cases for validation; a small one lies in the middle of a crop, as in training and inference.

    Args:
        cases: with labels.
        least: smallest sides (D, H, W).
    """

    def __init__(self, cases: Sequence[PreparedCase], least: Size) -> None:
        self.cases, self.least = tuple(cases), least

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, n: int) -> Sample:
        case = self.cases[n]
        shape = np.maximum(case.shape, self.least)
        start = (np.asarray(case.shape) - shape) // 2
        images = np.stack([crop(i, start, shape, low) for i, low in zip(case.images, case.low, strict=True)])
        truth = torch.from_numpy(np.stack([crop(array, start, shape, 0) for array in case.truth]))
        return Sample(
            torch.from_numpy(images.astype(np.float32))[None],
            torch.tensor([list(case.family)]),
            truth[0].long()[None],
            truth[1].to(torch.int8)[None, None],
            truth[2].float()[None, None],
        )


def data_set_source(
    plan: Plan, cache: Path, progress: Progress = silent, normalization: Mapping[str, Normalization] | None = None
) -> Source:
    """Prepare the labelled cases of a data set and divide them as the plan says.

    Args:
        plan: with ``data``.
        cache: folder for prepared cases.
        progress: told of each case.
        normalization: by family, of a model to start or to learn from; the usual one where it says nothing.

    Raises:
        InputError: the data set, its labels or the cases held out cannot be used.
    """
    found = with_classes(read_data_set(Path(plan.data)), progress)
    data_set = found.only(case.name for case in found.labelled)
    _check_held_out(data_set, plan)
    families = data_set.families
    strange = sorted(set(plan.normalization) - set(families))
    if strange:
        raise InputError(
            f"The plan's preprocessing names {strange[0]}, but the data hold {', '.join(families)}.",
            "Correct the plan.",
        )
    known = {family: way for family, way in (normalization or {}).items() if family in families} | plan.normalization
    ways = {stage.xyz: Preparation(stage.xyz, families, plan.registration, known) for stage in plan.stages}
    prepared = {xyz: prepare_all(data_set, way, cache, progress=progress).cases for xyz, way in ways.items()}
    training = {s: [case for case in cases if case.name not in plan.held_out] for s, cases in prepared.items()}
    final = plan.stages[-1]
    last = prepared[final.xyz]
    shaded = tuple(n for n, family in enumerate(families) if family == "MR")
    cases = len(training[final.xyz])
    return Source(
        partial(CaseSamples, training, shaded),
        WholeCases([case for case in last if case.name in plan.held_out], final.usual_size),
        families,
        class_entries(data_set.classes),
        lesion_entry(data_set.classes),
        _about(data_set, cases) | ways[final.xyz].metadata() | {"patch": list(final.usual_size)},
        cases,
    )


def class_entries(classes: Sequence[LabelClass]) -> tuple[dict[str, Any], ...]:
    """``network_classes`` of a bundle: the background, then the structures by channel."""
    entries: list[dict[str, Any]] = [
        {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""}
    ]
    for number, entry in enumerate(structures(classes)):
        look: dict[str, Any] = {"color": _color(number), "terminology": ""}
        shown: dict[str, Any] = {"value": entry.value, **look}
        if entry.paired:
            shown = {"left": {"value": entry.left, **look}, "right": {"value": entry.right, **look}}
        entries.append({"name": entry.name, "group": "organ", **shown})
    return tuple(entries)


def lesion_entry(classes: Sequence[LabelClass]) -> dict[str, Any]:
    """``lesion`` of a bundle, with the name and value of the first lesion class; empty if there is none."""
    lesions = [entry for entry in classes if entry.lesion]
    if not lesions:
        return {}
    name = " or ".join(entry.name for entry in lesions)
    return {"name": name, "value": lesions[0].value, "color": [255, 0, 0], "terminology": "", "group": "lesion"}


def _check_held_out(data_set: DataSet, plan: Plan) -> None:
    """The cases held out must be there, leave others for training, and share no patient with them."""
    names = {case.name for case in data_set.cases}
    unknown = [name for name in plan.held_out if name not in names]
    if unknown:
        raise InputError(
            f"The plan holds out {unknown[0]!r}, but the data set has no case of this name with a label.",
            "Correct 'held_out'; the command 'plan' proposes it.",
        )
    if not names - set(plan.held_out):
        raise InputError("The plan holds out every case.", "Leave some of them for the training.")
    apart = {case.patient for case in data_set.cases if case.name in plan.held_out}
    both = [case.patient for case in data_set.cases if case.name not in plan.held_out and case.patient in apart]
    if both:
        raise InputError(
            f"The patient {both[0]!r} has cases in the training and cases held out.",
            "Hold out all of a patient's cases or none.",
        )
    trained = [name for case in data_set.cases if case.name not in plan.held_out for name in case.images]
    never = [name for name in data_set.modalities if name not in trained]
    if never:
        raise InputError(f"No case of the training has the modality {never[0]}.", "Hold out other cases.")


def _about(data_set: DataSet, cases: int) -> dict[str, Any]:
    names = ", ".join(entry.name for entry in data_set.classes)
    return {
        "description": f"{names} from {', '.join(data_set.modalities)}; trained on the data set {data_set.name}.",
        "license": "not stated",
        "training_data": f"{cases} cases of the data set {data_set.name}.",
        "limits": [RESEARCH_USE],
    }


def _color(number: int) -> list[int]:
    red, green, blue = colorsys.hsv_to_rgb(number * GOLDEN % 1.0, 0.65, 0.9)
    return [round(255 * part) for part in (red, green, blue)]
