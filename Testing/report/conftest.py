"""A case as a run leaves it: a small head on an oblique, flipped, anisotropic grid, with a pair and lesions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation, SegmentClass
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.report.findings import Findings, read_findings
from Testing.points import points_of

TERM = "List~SCT^{category}~SCT^{code}^{name}~{side}~Regions~^^~^^"
ANATOMY, ALTERED = "123037004^Anatomical Structure", "49755003^Morphologically Altered Structure"
LEFT, RIGHT = "SCT^7771000^Left", "SCT^24028007^Right"
THALAMUS = {"category": ANATOMY, "code": "42695009", "name": "Thalamus"}
LESION = {"category": ALTERED, "code": "52988006", "name": "Lesion", "side": "^^"}
CLASSES = (
    SegmentClass("Left thalamus", 10, (0, 118, 14), TERM.format(side=LEFT, **THALAMUS), "brain"),
    SegmentClass("Right thalamus", 49, (0, 90, 200), TERM.format(side=RIGHT, **THALAMUS), "brain"),
    SegmentClass("Lesion", 99, (255, 40, 40), TERM.format(**LESION), "lesion"),
)
RECORD = {
    "created": "2026-01-02T10:11:12+0000",
    "inputs": {
        "CT": {"path": "/scans/Doe_John/ct.nrrd", "sha256": "a" * 64, "size": [40, 36, 30], "spacing": [2.0, 2.1, 3.0]},
        "MR": {"path": "/scans/Doe_John/mr.nrrd", "sha256": "b" * 64, "size": [40, 36, 30], "spacing": [1.0, 1.0, 1.0]},
    },
    "reference": "CT",
    "parameters": {"registration": "rigid"},
    "model": {"name": "head", "version": "0.1.0", "checksum": "c" * 64, "path": "/models/head"},
    "versions": {"MultimodalSeg": "0.1.0"},
    "registration": {
        "MR": {
            "kind": "rigid",
            "mutual_information_before": 0.15,
            "mutual_information_after": 0.8,
            "head_overlap": 0.96,
        }
    },
    "coverage": {"CT": 1.0, "MR": 0.8},
    "seconds": {"register": 7.5},
    "peak_memory_mb": 900.0,
    "device": "cpu",
    "warnings": [],
}


def a_tilted_grid() -> Grid:
    """Axes in odd order, one of them flipped, turned by tens of degrees, three spacings; its middle is the origin."""
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.3, 0.4).GetMatrix()).reshape(3, 3)
    axes = turn @ np.diag([-1, 1, 1]) @ np.eye(3)[:, [2, 0, 1]]
    size, spacing = (40, 36, 30), (2.0, 2.1, 3.0)
    origin = -axes @ (np.asarray(spacing) * (np.asarray(size) - 1) / 2)
    return Grid(size, spacing, tuple(origin.tolist()), tuple(axes.ravel().tolist()))


def a_case(grid: Grid) -> tuple[AlignedCase, Segmentation]:
    """A head with two thalami, left at +x, a larger lesion on the left and two small ones on the right."""
    points = points_of(grid)
    labels = np.zeros(grid.shape, np.uint16)

    def ball(x: float, y: float, z: float, radius: float) -> np.ndarray:
        return np.linalg.norm(points - (x, y, z), axis=-1) <= radius

    labels[ball(15, 0, 0, 9)] = 10
    labels[ball(-15, 0, 0, 8)] = 49
    labels[ball(20, 15, 18, 6)] = 99
    labels[ball(-18, -18, -15, 4)] = 99
    middle = np.unravel_index(np.argmin(np.linalg.norm(points - (0, -20, 20), axis=-1)), grid.shape)
    labels[middle] = 99
    head = ball(0, 0, 0, 34)
    noise = np.random.default_rng(0).normal(0, 2, grid.shape)
    ct = np.where(head, 30.0, -1000.0) + 20 * (labels > 0) + noise
    mr = np.where(head, 400.0, 5.0) - 150 * (labels > 0) + 5 * noise
    volumes = {"CT": Volume(ct.astype(np.float32), grid), "MR": Volume(mr.astype(np.float32), grid)}
    model = {"name": "head", "version": "0.1.0", "checksum": "c" * 64}
    segmentation = Segmentation(Volume(labels, grid), CLASSES, lesion_presence=0.91, model=model)
    return AlignedCase(volumes, "CT", coverage={"CT": 1.0, "MR": 0.8}), segmentation


@dataclass(frozen=True)
class Case:
    """A case, and the folder in which its optional files are."""

    folder: Path
    aligned: AlignedCase
    segmentation: Segmentation

    def findings(self, **more: object) -> Findings:
        """What the folder holds, with more in run.json."""
        return read_findings(self.folder, RECORD | more, self.aligned, self.segmentation)


@pytest.fixture
def bare(tmp_path: Path) -> Case:
    """A case with nothing but its volumes and labels."""
    return Case(tmp_path, *a_case(a_tilted_grid()))


@pytest.fixture
def full(bare: Case) -> Case:
    """A case with every file that a run may hold."""
    write_everything(bare)
    return bare


def write_everything(case: Case) -> None:
    """The optional files of a run folder."""
    labels = case.segmentation.labels
    texts = {
        "measurements.csv": (
            "name,value,voxels,volume_ml,mean_CT,mean_MR,unit_CT,unit_MR,asymmetry_percent\n"
            "Left thalamus,10,240,3.05,50.1,250,HU,raw,35.0\n"
            "Right thalamus,49,170,2.14,50.2,251,HU,raw,35.0\n"
            "Lesion,99,90,1.20,49,249,HU,raw,\n"
        ),
        "lesions.csv": (
            "name,number,value,volume_ml,longest_diameter_mm,in_plane_diameter_mm,perpendicular_mm,side\n"
            "Lesion 1,1,99,0.9,12.5,11.0,10.0,left\nLesion 2,2,99,0.27,8.1,7.0,6.0,right\n"
            "Lesion 3,3,99,0.01,4,3,3,both\n"
        ),
        "explanation/modalities.csv": "modality,mean fusion weight\nCT,0.7\nMR,0.3\n",
        "explanation/contributions.csv": (
            "structure,value,modality,shapley,alone,without\nLesion 1,99,CT,-0.1,0.1,0.8\nLesion 1,99,MR,0.8,0.9,0.1\n"
        ),
        "explanation/contributions.json": '{"sentences": ["Without the MR Lesion 1 would be missed."]}',
        "explanation/faithfulness.json": (
            '{"lesion_1.gradcam": {"insertion_area": 0.81, "deletion_area": 0.22, "pointing_game": true, '
            '"mass_inside": 0.43, "stability": 0.97, "ignores_weights": false}, '
            '"lesion_2.hirescam": {"insertion_area": 0.4, "ignores_weights": null}, '
            '"left_thalamus.occlusion-MR": {"insertion_area": 0.5, "ignores_weights": true}}'
        ),
        "uncertainty/summary.json": (
            '{"method": "tta", "samples": 8, "temperature": 1.3, "ece_before": 0.051, "ece_after": 0.012, '
            '"views": {"Left thalamus": 0.93, "Lesion": 0.61}, '
            '"volumes": {"10": {"name": "Left thalamus", "ml": 3.05, "low_ml": 2.8, "high_ml": 3.3, "level": 0.9}}}'
        ),
    }
    for name, text in texts.items():
        path = case.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    some = labels.with_array((labels.array == 99).astype(np.float32))
    explanation, uncertainty = case.folder / "explanation", case.folder / "uncertainty"
    for name in ("lesion_1.gradcam", "lesion_2.hirescam", "left_thalamus.occlusion-MR", "fusion.CT", "fusion.MR"):
        write_volume(some, explanation / f"{name}.nrrd")
    for name in ("entropy", "disagreement"):
        write_volume(some.with_array(0.2 * some.array), uncertainty / f"{name}.nrrd")
