"""A finished run folder, and the CT and the MR that it was made of."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.report.seg_nrrd import write_segmentation
from MultimodalSegLib.run_folder import RunFolder

FOUND = sitk.Euler3DTransform((3, -4, 5), 0.2, -0.1, 0.3, (6.0, -5.0, 4.0))


QUALITY = {
    "kind": "rigid",
    "seconds": 2.0,
    "mutual_information_before": 0.3,
    "mutual_information_after": 0.9,
    "head_overlap": 0.95,
    "converged": True,
    "message": "",
    "light": "green",
    "error_mm": 0.8,
    "error_high_mm": 2.1,
    "light_reason": "",
}


@pytest.fixture
def a_run(tmp_path, a_labeled_head):
    """Function that makes a finished run folder on a grid, with a moving MR, a probability map and tables."""

    def make(grid: Grid, *, transform=FOUND, kind="rigid", segmentation=None) -> RunFolder:
        record = {
            "inputs": {"CT": {"path": "ct"}, "MR": {"path": "mr"}},
            "reference": "CT",
            "model": {"name": "tiny", "version": "0.1.0", "checksum": "abc", "path": "/secret"},
            "versions": {"MultimodalSeg": "0.1.0"},
            "warnings": ["Look at it."],
        }
        run = RunFolder.create(tmp_path / "run", record)
        segmentation = segmentation or a_labeled_head(grid)
        with run.working():
            run.record["registration"] = {"MR": {**QUALITY, "kind": kind}}
            run.record["segmentation"] = {"lesion_presence": 0.25, "network_seconds": 1.0}
            run.record["device"] = "cpu"
            (run.path / "transforms").mkdir()
            sitk.WriteTransform(transform, str(run.path / "transforms" / "MR_to_CT.h5"))
            write_segmentation(segmentation, run.segmentation)
            values = (segmentation.labels.array == 515).astype(np.float32) * 0.8
            write_volume(Volume(values, grid), run.path / "probabilities" / "bone.nrrd")
            (run.path / "explanation").mkdir()
            (run.path / "explanation" / "modalities.csv").write_text(
                "modality,mean fusion weight\nCT,0.7\nMR,0.3\n", encoding="utf-8"
            )
            run.measurements.write_text(
                "name,value,volume_ml,components\nBone,515,12.5,\nLesion,600,,2\n", encoding="utf-8"
            )
            run.lesions.write_text(
                "name,number,volume_ml,side,nearest_mm\nLesion 1,1,2.5,left,3.5\nLesion 2,2,1.0,,\n", encoding="utf-8"
            )
            (run.path / "changes.csv").write_text("change,now,earlier\n", encoding="utf-8")
        return run

    return make


@pytest.fixture
def nodes(scene, a_plain_grid):
    """A CT node under a study, and an MR node."""
    from MultimodalSegLib.slicerside.scene.nodes import hierarchy_item, volume_node

    values = np.random.default_rng(0).normal(0, 100, a_plain_grid.shape).astype(np.float32)
    ct, mr = (volume_node(Volume(values, a_plain_grid), name) for name in ("Head CT", "Head MR"))
    hierarchy = scene.GetSubjectHierarchyNode()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(hierarchy_item(ct), study)
    return ct, mr
