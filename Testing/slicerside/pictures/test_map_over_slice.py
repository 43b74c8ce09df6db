"""An explanation as a user sees it: colored over the reference, with its legend, at the right place."""

import os
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.images.volume import Volume
from Testing.slicerside.explained import a_run_folder, write_answer

AT = np.array([18.0, -6.0, 4.0])
LEGENDS = "vtkMRMLColorLegendDisplayableManager"


@pytest.fixture
def picture(scene, a_plain_grid, a_labeled_head, a_scan_of, tmp_path):
    """Function that draws an axial slice through the glow: colors (rows, columns, 3), with the legend or without."""
    import slicer

    from MultimodalSegLib.slicerside.logic import MultimodalSegLogic
    from MultimodalSegLib.slicerside.pictures import slices
    from MultimodalSegLib.slicerside.run.explaining import Subject, load_answer
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    def draw(shown: bool) -> np.ndarray:
        run = a_run_folder(tmp_path / str(shown))
        write_answer(run / "explanation", "left_thalamus", a_plain_grid, AT)
        ct = volume_node(Volume(a_scan_of(a_labeled_head(a_plain_grid)).array, a_plain_grid), "Head CT", "CT")
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        if not factory.IsDisplayableManagerRegistered(LEGENDS):
            factory.RegisterDisplayableManager(LEGENDS)
        factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        with slices.slice_view(400) as view:  # legends are drawn in views that are there when they come
            answer = load_answer(Subject(run, "Left thalamus"), ct)
            node = next(iter(answer.mapNodes.values())) if shown else None
            view.show(ct, node, 0.6)
            MultimodalSegLogic().showMap(node, 0.6, ct)
            return view.draw("Axial", AT * [0, 0, 1], 100.0, "").image.copy()

    yield draw
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    if factory.IsDisplayableManagerRegistered(LEGENDS):
        factory.UnRegisterDisplayableManager(LEGENDS)


def test_the_map_glows_where_it_should_and_the_legend_stands_beside_it(picture, tmp_path):
    from PIL import Image

    plain, explained = picture(False), picture(True)
    folder = Path(os.environ.get("MMS_SCREENSHOTS") or tmp_path)
    Image.fromarray(np.hstack([plain, explained])).save(folder / "map_over_slice.png")
    changed = np.abs(explained.astype(int) - plain).sum(2)
    row, column = 200 + AT[1] * 4, 200 + AT[0] * 4  # 4 pixels a millimetre; left and front as the patient is seen
    glow = changed[int(row) - 8 : int(row) + 8, int(column) - 8 : int(column) + 8]
    assert glow.mean() > 100, "the patient's left is on the right of the picture"
    mirrored = changed[int(row) - 8 : int(row) + 8, 400 - int(column) - 8 : 400 - int(column) + 8]
    assert mirrored.mean() < 0.5 * glow.mean()
    assert (changed[:, -40:] > 60).sum() > 1000, "the legend"
