"""Pre-training small enough for tests: made-up volumes, a tiny network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.data.cache import PreparedCase, prepare_all
from MultimodalSegLib.training.data.prepare import Preparation
from MultimodalSegLib.training.data.unlabelled import unlabelled
from MultimodalSegLib.training.devices import make_fabric
from MultimodalSegLib.training.pretraining.loop import Pretrainer
from MultimodalSegLib.training.pretraining.plan import PretrainingPlan

NETWORK = {"kind": "fusion", "classes": 2, "widths": [8, 8, 16], "stride": 8, "side": False, "lesion": False}
GRID = Grid((22, 20, 24), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def a_plan(**changes: Any) -> PretrainingPlan:
    """Twenty steps of four volumes in crops of 16 voxels, in this process."""
    small: dict[str, Any] = {
        "network": NETWORK,
        "families": ("MR",),
        "spacing": 1.0,
        "global_size": (16, 16, 16),
        "local_size": (8, 8, 16),
        "local_crops": 2,
        "points": 16,
        "frozen_steps": 2,
        "queue": 16,
        "prototypes": 16,
        "augmentation": Augmentation(bias_chance=0.0),  # MONAI's takes most of the time
        "batch": 4,
        "steps": 20,
        "learning_rate": 3e-3,
        "warm_up_steps": 2,
        "precision": "32",
        "checkpoint_steps": 10,
        "log_steps": 5,
        "workers": 0,
        "device": "cpu",
    }
    return PretrainingPlan(**small | changes)


def write_volumes(folder: Path, count: int = 6) -> Path:
    """Smooth random volumes of different coarseness, with a bright ball."""
    axes = np.stack(np.indices(GRID.shape), -1)
    for n in range(count):
        rng = np.random.default_rng(n)
        noise = ndimage.gaussian_filter(rng.normal(0, 1, GRID.shape), 1 + 0.5 * n)
        ball = np.linalg.norm(axes - rng.uniform(6, 16, 3), axis=-1) < rng.uniform(3, 6)
        array = 100 + 20 * noise / noise.std() + 60 * ball
        write_volume(Volume(array.astype(np.float32), GRID), folder / f"volume{n}.nii.gz")
    return folder


def prepared(folder: Path) -> tuple[PreparedCase, ...]:
    """The volumes of :func:`write_volumes`, prepared."""
    data_set = unlabelled(write_volumes(folder / "data"), "MR")
    return prepare_all(data_set, Preparation((1.0, 1.0, 1.0), ("MR",)), folder / "cache").cases


def a_pretrainer(cases: tuple[PreparedCase, ...], out: Path, **changes: Any) -> Pretrainer:
    """A run on made-up volumes."""
    plan = a_plan(**changes)
    return Pretrainer(plan, cases, out, make_fabric(plan.training))
