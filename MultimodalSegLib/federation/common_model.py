"""The model that all sites begin with: the same network, classes and preparation of images, and its first weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ..errors import InputError
from ..images.normalization import Normalization
from ..networks.build import build_network
from ..notice import RESEARCH_USE
from ..training.data.adapters import read_data_set
from ..training.data.data_set import with_classes
from ..training.data.prepare import Preparation
from ..training.data_source import class_entries, lesion_entry
from ..training.initial.known import KnownModel, read_known
from ..training.initial.weights import start_from
from ..training.model import network_settings
from ..training.plan import Plan
from ..training.samples import Sample
from ..training.source import Source, label_map_source
from ..training.start import model_metadata


@dataclass(frozen=True)
class CommonModel:
    """What the sites agree on.

    Args:
        metadata: as of a bundle.
        weights: of the network, by name.
    """

    metadata: dict[str, Any]
    weights: dict[str, np.ndarray]


def common_model(plan: Plan, families: Sequence[str] = ()) -> CommonModel:
    """The model of a plan: from its label maps, the description of its data set, or the model that it starts from.

    No image is read. Data at hand tell classes and preparation; the sites need data with the same classes.

    Args:
        plan: with ``labels``, ``data`` or ``init``.
        families: ``CT``, ``MR``, ``PET`` of all sites together; those of the data at hand if empty.

    Raises:
        InputError: the plan names nothing that tells the classes, learns from a teacher, or names a family that the
            model to start from lacks.
        ModelError: no such model to start from.
    """
    if plan.images or plan.distillation.teacher:
        raise InputError("A federation learns from labels, not from a teacher.", "Take the teacher out of the plan.")
    known = read_known(plan.init) if plan.init else None
    source = _source(plan, known, tuple(families))
    settings = network_settings(plan, source)
    torch.manual_seed(plan.seed)
    network = build_network(settings)
    metadata = model_metadata(plan, source, settings)
    if known:
        start_from(network, metadata, known)
        metadata["started_from"] = known.origin
    return CommonModel(metadata, to_arrays(network))


def _source(plan: Plan, known: KnownModel | None, families: tuple[str, ...]) -> Source:
    """Classes, families and preparation; without samples."""
    if plan.labels:
        return label_map_source(plan)
    if plan.data:
        return _described(plan, known, families)
    if known and known.classes:
        if set(families) - set(known.families):
            raise InputError(
                f"{known.title} knows {', '.join(known.families)} alone.", "Describe a data set with more in the plan."
            )
        about = {key: known.metadata[key] for key in ("preprocessing", "patch", "region") if key in known.metadata}
        return Source(_nothing, (), known.families, known.classes, known.lesion, {**_about(), **about}, 0)
    raise InputError(
        "The plan names nothing that tells the classes of the federation.",
        "Fill in 'data', 'labels', or a model as 'init'.",
    )


def _described(plan: Plan, known: KnownModel | None, families: tuple[str, ...]) -> Source:
    data_set = with_classes(read_data_set(Path(plan.data)))
    in_order: tuple[str, ...] = ("CT", "MR", "PET")
    wanted = tuple(name for name in in_order if name in (families or data_set.families))
    ways: dict[str, Normalization] = dict(known.normalization) if known and known.classes else {}
    chosen = {family: way for family, way in (ways | plan.normalization).items() if family in wanted}
    last = plan.stages[-1]
    way = Preparation(last.xyz, wanted, plan.registration, chosen)
    about = {**_about(), **way.metadata(), "patch": list(last.usual_size)}
    classes = data_set.classes
    return Source(_nothing, (), wanted, class_entries(classes), lesion_entry(classes), about, 0)


def _about() -> dict[str, Any]:
    return {
        "description": "Trained by several sites, whose images were never brought together.",
        "license": "not stated",
        "training_data": "Images of several sites.",
        "limits": [RESEARCH_USE],
    }


def _nothing(plan: Plan) -> Dataset[Sample]:
    raise AssertionError("A common model has no samples.")


def shared_plan(plan: Plan, steps: int) -> Plan:
    """The plan as it is sent to the sites: without anything of the computer it was written on.

    How images are prepared is part of the common model.

    Args:
        plan: of whoever starts the federation.
        steps: of each site, all rounds together.
    """
    warm_up = min(plan.warm_up_steps, steps // 10)
    clean: dict[str, Any] = {"labels": "", "data": "", "init": "", "cache": "", "held_out": (), "preprocessing": {}}
    return replace(plan, **clean, steps=steps, warm_up_steps=warm_up, device="auto", devices=1, workers=0)


def to_arrays(network: torch.nn.Module) -> dict[str, np.ndarray]:
    """The state of a network as arrays."""
    return {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}
