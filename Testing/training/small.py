"""Runs small enough for tests: label maps of ellipsoids, random samples, tiny networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from torch.utils.data import Dataset

from MultimodalSegLib.synthesis.anatomy import LABELS
from MultimodalSegLib.training.devices import make_fabric
from MultimodalSegLib.training.loop import Trainer
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.samples import Sample
from MultimodalSegLib.training.task import Task
from MultimodalSegLib.training.validation import Validation
from Testing.synthesis.heads import GRID, a_head

CLASSES = 3
NETWORK = {"kind": "fusion", "families": 2, "classes": CLASSES, "widths": [8, 8], "stride": 4}
MODEL = {
    "name": "tiny",
    "version": "0.0.1",
    "description": "A network for tests.",
    "license": "Apache-2.0",
    "training_data": "random numbers",
    "limits": ["everything"],
    "network": NETWORK,
    "working_spacing": 2.0,
    "modality_families": ["CT", "MR"],
    "network_classes": [
        {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""},
        {"name": "ball", "group": "brain", "value": 1, "color": [200, 0, 0], "terminology": ""},
        {"name": "shell", "group": "brain", "value": 2, "color": [0, 200, 0], "terminology": ""},
    ],
    "lesion": {"name": "lesion", "value": 9, "color": [0, 0, 200], "terminology": "", "group": "lesion"},
}


def a_plan(**changes: Any) -> Plan:
    """Eight steps of one sample of 8 x 8 x 8 voxels, in this process, one after the other."""
    small: dict[str, Any] = {
        "stages": (Stage(1.0, 2.0, ((8, 8, 8),), (1.0,)),),
        "steps": 8,
        "warm_up_steps": 2,
        "learning_rate": 1e-2,
        "precision": "32",
        "topology": (),
        "workers": 0,
        "log_steps": 2,
        "validation_steps": 4,
        "checkpoint_steps": 4,
        "device": "cpu",
    }
    return Plan(**small | changes)


class RandomSamples(Dataset[Sample]):
    """A ball in noise: bright in family 0 and dark in family 1; some samples have one modality alone."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __len__(self) -> int:
        return self.plan.steps * self.plan.batch

    def __getitem__(self, n: int) -> Sample:
        _, shape = self.plan.crop(n // self.plan.batch)
        rng = np.random.default_rng((self.plan.seed, n))
        families = [(0, 1), (0,), (1,)][rng.integers(3)]
        place = np.stack(np.indices(shape), -1) - rng.uniform(2, 6, 3)
        distance = np.sqrt((place**2).sum(-1))
        channel = np.where(distance < 2, 1, np.where(distance < 3, 2, 0))
        images = np.stack([(1 - 2 * f) * (channel == 1) + rng.normal(0, 0.3, shape) for f in families])
        return Sample(
            torch.from_numpy(images.astype(np.float32))[None],
            torch.tensor([families]),
            torch.from_numpy(channel.astype(np.int64))[None],
            torch.zeros(1, 1, *shape, dtype=torch.int8),
            torch.from_numpy((distance < 1.5).astype(np.float32))[None, None],
        )


def a_network(**changes: Any) -> torch.nn.Module:
    """The tiny network with the weights of seed 0."""
    from MultimodalSegLib.networks.build import build_network

    torch.manual_seed(0)
    return build_network({**NETWORK, **changes})


def a_trainer(
    out: Path,
    plan: Plan | None = None,
    objective: Callable[..., Any] | None = None,
    samples: Callable[[Plan], Dataset[Sample]] = RandomSamples,
    network: torch.nn.Module | None = None,
) -> Trainer:
    """A run on random samples."""
    from MultimodalSegLib.training.objective import Objective

    plan = plan or a_plan()
    task = Task(network or a_network(), objective or Objective())
    names = [entry["name"] for entry in MODEL["network_classes"]]
    held_out = [RandomSamples(plan)[n] for n in range(2)]
    validation = Validation(held_out, names, (8, 8, 8), (2.0, 2.0, 2.0))
    out.mkdir(exist_ok=True)
    return Trainer(plan, task, samples, out, make_fabric(plan), MODEL, validation)


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Averaged weights, and those in training under another name."""
    found = {f"average.{name}": value.clone() for name, value in trainer.average.network.state_dict().items()}
    return found | {name: value.clone() for name, value in trainer.task.network.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """To the last bit."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def write_label_maps(folder: Path) -> Path:
    """Two label maps of a head of ellipsoids: ``one`` and ``held_out``."""
    folder.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(np.asarray(LABELS, np.int32)[a_head().codes])
    image.SetSpacing(GRID.spacing)
    image.SetOrigin(GRID.origin)
    for name in ("one", "held_out"):
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
    return folder
