"""Federations small enough for tests: sites with two or three made-up cases of 16 x 16 x 16 voxels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.federation.settings import Federation
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.plan import Plan, Stage

NETWORK = {"kind": "fusion", "widths": [8, 8], "stride": 4}
CLASSES = [{"name": "ball", "value": 1}, {"name": "shell", "value": 2}]


def a_data_set(folder: Path, modalities: Sequence[str], cases: int = 2, seed: int = 0, prefix: str = "case") -> Path:
    """Cases of a ball in a shell, bright in CT and dark in MR; gives the description."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, entries = np.random.default_rng((seed, 7)), []
    for n in range(cases):
        place = np.stack(np.indices((16, 16, 16)), -1) - rng.uniform(6, 10, 3)
        distance = np.sqrt((place**2).sum(-1))
        labels = np.where(distance < 3, 1, np.where(distance < 5, 2, 0)).astype(np.uint8)
        files = {name: _write(_image(name, labels, rng), folder / f"{prefix}{n}_{name}.nii.gz") for name in modalities}
        label = _write(labels, folder / f"{prefix}{n}_label.nii.gz")
        entries.append({"case": f"{prefix}{n}", "images": files, "label": label, "already_aligned": True})
        entries[-1]["reference"] = modalities[0]
    content = {"format_version": 1, "name": "made up", "classes": CLASSES, "cases": entries}
    path = folder / "dataset.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _image(modality: str, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    look = {"CT": (0, 60, 30), "MR": (80, 20, 50)}[modality]
    return (np.asarray(look)[labels] + rng.normal(0, 5, labels.shape)).astype(np.float32)


def _write(array: np.ndarray, path: Path) -> str:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((2.0, 2.0, 2.0))
    sitk.WriteImage(image, str(path))
    return path.name


def a_plan(data: Path | str = "", **changes: Any) -> Plan:
    """One sample of 16 x 16 x 16 voxels a step, on the processor."""
    small: dict[str, Any] = {
        "name": "tiny",
        "data": str(data),
        "held_out": (),
        "network": NETWORK,
        "stages": (Stage(1.0, 2.0, ((16, 16, 16),), (1.0,)),),
        "augmentation": Augmentation(mirror_chance=0.0),
        "precision": "32",
        "learning_rate": 1e-2,
        "warm_up_steps": 0,
        "workers": 0,
        "device": "cpu",
    }
    return Plan(**small | changes)


def a_federation(sites: Sequence[str] = ("north", "south"), **changes: Any) -> Federation:
    """Two rounds of two steps."""
    usual: dict[str, Any] = {"identity": "tiny-1", "rounds": 2, "local_steps": 2}
    return Federation(sites=tuple(sites), **usual | changes)
