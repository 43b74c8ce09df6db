"""A head of ellipsoids in CT and MRI, and a model that knows nothing, for tests of the whole way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.build import build_network
from Testing.points import points_of

ROOT = Path(__file__).resolve().parent.parent

CT_GRID = Grid((44, 48, 40), (4.0, 4.0, 4.5), (-86.0, -94.0, -88.0))
MR_GRID = Grid((50, 46, 44), (4.0, 4.2, 4.0), (-96.0, -90.0, -90.0))
# centre and half axes (LPS mm), HU in CT, signal in MRI; later ones lie inside earlier ones
PARTS = {
    "skin": ((0, 0, 0), (74, 88, 78), 30, 700),
    "skull": ((0, 0, 4), (68, 82, 72), 900, 60),
    "brain": ((0, 0, 6), (61, 75, 65), 38, 420),
    "eye": ((30, -60, -10), (12, 12, 12), 10, 150),
    "left ventricle": ((14, 5, 14), (8, 26, 12), 6, 120),
    "right ventricle": ((-12, 2, 14), (7, 22, 10), 6, 120),
    "tumor": ((-30, 25, 30), (14, 16, 12), 60, 650),
}
VALUES = {"skull": 515, "brain": 2, "left ventricle": 4, "right ventricle": 4}

TRANSFORM = sitk.Euler3DTransform((0, 0, 0), 0.06, -0.04, 0.08, (6.0, -5.0, 4.0))
"""Maps points of the CT to points of the MRI."""


def _draw(points: np.ndarray, values: dict[str, float], outside: float) -> np.ndarray:
    array = np.full(points.shape[:3], outside, np.float32)
    for name, (centre, axes, _, _) in PARTS.items():
        if name in values:
            array[(((points - centre) / np.asarray(axes)) ** 2).sum(-1) <= 1] = values[name]
    return array


def _scan(points: np.ndarray, values: dict[str, float], outside: float) -> np.ndarray:
    """The same as a scanner sees it: a voxel that a border crosses has the mean of both sides.

    Without that, voxels of 4 mm hide where the borders are, and no registration can do better than 3 mm.
    """
    steps = [points[0, 0, 1] - points[0, 0, 0], points[0, 1, 0] - points[0, 0, 0], points[1, 0, 0] - points[0, 0, 0]]
    corners = np.array(np.meshgrid(*[(-0.25, 0.25)] * 3)).reshape(3, -1).T @ np.array(steps)  # of each voxel
    return np.mean([_draw(points + corner, values, outside) for corner in corners], axis=0)


def a_ct() -> Volume:
    noise = np.random.default_rng(1).normal(0, 6, CT_GRID.shape)
    drawn = _scan(points_of(CT_GRID), {n: p[2] for n, p in PARTS.items()}, -1000)
    return Volume((drawn + noise).astype(np.float32), CT_GRID)


def an_mr() -> Volume:
    """The same head, where the patient lies as :data:`TRANSFORM` says."""
    points = points_of(MR_GRID)
    back = TRANSFORM.GetInverse()
    matrix = np.asarray(back.GetMatrix()).reshape(3, 3)
    shift = np.asarray(back.TransformPoint((0.0, 0.0, 0.0)))
    noise = np.random.default_rng(2).normal(0, 12, MR_GRID.shape)
    drawn = _scan(points @ matrix.T + shift, {n: p[3] for n, p in PARTS.items()}, 5)
    return Volume(np.abs(drawn + noise).astype(np.float32), MR_GRID)


def true_labels() -> Volume:
    labels = _draw(points_of(CT_GRID), {name: VALUES.get(name, 0) for name in PARTS}, 0)
    return Volume(labels.astype(np.uint16), CT_GRID)


def write_pair(folder: Path) -> tuple[Path, Path]:
    """Files of the CT and of the MRI."""
    ct, mr = folder / "ct.nrrd", folder / "mr.nii.gz"
    write_volume(a_ct(), ct)
    write_volume(an_mr(), mr)
    return ct, mr


def write_demo_case(folder: Path) -> Path:
    """A folder as Resources/demo has them."""
    folder.mkdir(parents=True)
    write_volume(a_ct(), folder / "CT.nrrd")
    write_volume(an_mr(), folder / "MR.nii.gz")
    write_volume(true_labels(), folder / "truth.nii.gz")
    sitk.WriteTransform(TRANSFORM, str(folder / "MR_to_CT_truth.h5"))
    entry = {
        "synthetic": True,
        "reference": "CT",
        "volumes": {"CT": "CT.nrrd", "MR": "MR.nii.gz"},
        "truth": "truth.nii.gz",
        "true_transforms": {"MR": "MR_to_CT_truth.h5"},
        "notice": "Ellipsoids.",
    }
    (folder / "case.json").write_text(json.dumps(entry), encoding="utf-8")
    return folder


def a_model(folder: Path) -> Bundle:
    """A bundle with random weights that works at 4 mm and finds something everywhere."""
    config = {"kind": "fusion", "families": 2, "classes": 4, "widths": [8, 8, 8], "stride": 8}
    torch.manual_seed(3)
    side = {"color": [10, 200, 30], "terminology": ""}
    metadata = {
        "name": "tiny",
        "version": "0.1.0",
        "description": "A network that knows nothing, for tests.",
        "license": "Apache-2.0",
        "network": config,
        "working_spacing": 4.0,
        "modality_families": ["CT", "MR"],
        "network_classes": [
            {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""},
            {
                "name": "white matter",
                "group": "brain",
                "left": {"value": 2, **side},
                "right": {"value": 41, **side},
            },
            {"name": "ventricle", "group": "csf", "value": 4, **side},
            {"name": "skull", "group": "bone", "value": 515, **side},
        ],
        "lesion": {"name": "lesion", "value": 600, "color": [255, 0, 0], "terminology": "", "group": "lesion"},
        "training_data": "none",
        "limits": "everything",
    }
    return save_bundle(folder, metadata, build_network(config).state_dict())


def child(*arguments: object, script: str = "", **environment: str) -> subprocess.Popen[str]:
    """Start the command line (or a script that calls it) in a process of its own, with one thread."""
    command = [sys.executable, *(["-c", script] if script else ["-m", "MultimodalSegLib"]), *map(str, arguments)]
    threads = {"OMP_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYTHONUTF8": "1", **threads, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
