"""Make ``Resources/demo/synthetic``: a made-up CT and MRI of one made-up patient, with exact truth.

    python Tools/make_demo_case.py LABEL_MAP

The label map must be one that training never saw (``Plan.held_out``). Everything is drawn from a fixed seed, but the
shipped case is from the generator of version 0.1.0: the present one draws another patient.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.registration.transform_file import write_transform
from MultimodalSegLib.resources import resource
from MultimodalSegLib.synthesis.acquisition import Acquisition
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.synthesis.deformation import rotation
from MultimodalSegLib.synthesis.pair import label_values, locate, render, sample_patient, truth

SEED = 22
MOTION_DEGREES, MOTION_MM = np.array([7.0, -5.0, 9.0]), np.array([11.0, -8.0, 14.0])
NOTICE = (
    "Synthetic images: computed from a label map of SynthSeg (training_label_maps, Apache-2.0; Billot et al., "
    "Med Image Anal 86:102789, 2023). No scanner and no patient was involved."
)


def centered(center: np.ndarray, size: tuple[int, int, int], spacing: tuple[float, float, float]) -> Grid:
    """A grid with canonical axes around a point."""
    origin = center - (np.asarray(size) - 1) / 2 * np.asarray(spacing)
    return Grid(size, spacing, tuple(float(x) for x in origin))


def main(label_map: Path, folder: Path) -> None:
    anatomy = load_anatomy(label_map)
    rng = np.random.default_rng(SEED)
    patient = sample_patient(rng, anatomy, ("CT", "T1"), strength=0.5, lesion_chance=1.0, strip_chance=0.0)
    patient = replace(patient, lesions=patient.lesions[:1])
    motion = np.eye(4)
    center = np.asarray(anatomy.center)
    motion[:3, :3] = rotation(MOTION_DEGREES)
    motion[:3, 3] = center - motion[:3, :3] @ center + MOTION_MM
    settings = Acquisition(0.6, 0, 1.0, 5.0, 1.0, np.zeros((4, 4, 4), np.float32), 1.0, np.zeros((3, 2)), -300.0)
    shading = rng.normal(0, 0.12, (4, 4, 4)).astype(np.float32)
    mr_settings = replace(settings, noise=0.02, grain_mm=0.0, bias=shading, table_hu=None)
    ct, mr = patient.scans["CT"], patient.scans["T1"]
    scans = {"CT": replace(ct, acquisition=settings), "T1": replace(mr, acquisition=mr_settings, motion=motion)}
    patient = replace(patient, scans=scans)

    fine = centered(center, (160, 190, 168), (1.2, 1.2, 1.25))
    codes, lesions = locate(anatomy, patient, fine)
    ct_grid = centered(center, (160, 190, 84), (1.2, 1.2, 2.5))
    ct_volume = resample(render(codes, lesions, patient, fine, "CT"), ct_grid, outside=-1000.0)
    codes, lesions = locate(anatomy, patient, ct_grid)
    labels = Volume(label_values(truth(codes, lesions, patient)), ct_grid)

    back = np.linalg.inv(motion)
    # a sagittal acquisition: the array's slowest axis runs to the left
    mr_center = back[:3, :3] @ center + back[:3, 3]
    step = np.array([[0, 0, 1.3], [1.15, 0, 0], [0, -1.15, 0]])  # columns: the i, j, k axes in LPS millimetres
    size = (180, 214, 130)
    origin = mr_center - step @ ((np.asarray(size) - 1) / 2)
    spacing = np.linalg.norm(step, axis=0)
    mr_grid = Grid(size, tuple(spacing.tolist()), tuple(origin.tolist()), tuple((step / spacing).ravel().tolist()))
    codes, lesions = locate(anatomy, patient, mr_grid, motion)
    mr_array = render(codes, lesions, patient, mr_grid, "T1").array

    folder.mkdir(parents=True, exist_ok=True)
    ct_array = np.where(ct_volume.array < -960, -1000, ct_volume.array)
    write_volume(Volume(np.rint(ct_array).astype(np.int16), ct_grid), folder / "CT.nrrd")
    signal = np.clip(mr_array * 250, 0, 1000)
    signal[signal < 12] = 0
    write_volume(Volume(np.rint(signal).astype(np.int16), mr_grid), folder / "MR.nrrd")
    write_volume(labels, folder / "truth.nrrd")
    moving = sitk.AffineTransform(back[:3, :3].ravel().tolist(), back[:3, 3].tolist())
    write_transform(moving, folder / "MR_to_CT_truth.h5")
    entry = {
        "synthetic": True,
        "reference": "CT",
        "volumes": {"CT": "CT.nrrd", "MR": "MR.nrrd"},
        "truth": "truth.nrrd",
        "true_transforms": {"MR": "MR_to_CT_truth.h5"},
        "notice": NOTICE,
    }
    (folder / "case.json").write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")
    lesion = int((labels.array == 99).sum())
    total = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    kinds = [x.kind for x in patient.lesions]
    print(f"{folder}: {total:.1f} MB, {kinds}, {lesion * ct_grid.voxel_ml:.1f} ml of lesion")


if __name__ == "__main__":
    main(Path(sys.argv[1]), resource("demo/synthetic"))
