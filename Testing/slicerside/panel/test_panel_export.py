"""The button Export of the panel, for a result whose reference came from DICOM.

Slicer's DICOM database exists only inside the application: a stand-in answers which file holds which image. The DICOM
files and highdicom, which writes where Slicer's own plug-in is not there, are real.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.inference.segmentation import Segmentation
from Testing.slicerside.conftest import CLASSES
from Testing.slicerside.dicom.series import StandInDatabase, write_series


@pytest.fixture
def a_result_from_dicom(widget, tmp_path, monkeypatch):
    """A finished result of a volume from DICOM, shown in the panel."""
    import slicer

    from MultimodalSegLib.slicerside.run.result import Result
    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node

    files = write_series(tmp_path / "series")
    volume = read_volume(tmp_path / "series")
    reference = volume_node(volume, "T1 sag", "T1")
    reference.SetAttribute("DICOM.instanceUIDs", " ".join(files))
    labels = np.zeros(volume.array.shape, np.uint16)
    labels[:2, 2:6, 1:4], labels[3:, 4:9, 2:5] = 10, 49
    found = Segmentation(volume.with_array(labels), CLASSES, model={"name": "head", "version": "0.1.0"}, device="cpu")
    node = segmentation_node(found, reference, "Segmentation of T1")
    database = StandInDatabase(files)
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    widget.panel.results.take(Result(node, record={"reference": "T1"}), {})
    (tmp_path / "out").mkdir()
    return SimpleNamespace(node=node, database=database, out=tmp_path / "out", voxels=np.bincount(labels.ravel())[1:])


def test_export_writes_a_file_that_holds_the_structures(widget, a_result_from_dicom, dialogs_shown):
    highdicom = pytest.importorskip("highdicom")
    case = a_result_from_dicom
    assert widget.ui.exportButton.toolTip == "Save the segmentation as a DICOM segmentation object"
    dialogs_shown.answers.append(str(case.out))
    widget.ui.exportButton.click()
    (path,) = case.out.iterdir()
    assert widget.ui.resultMessage.text == f"DICOM SEG was written to {path}."
    assert case.database.inserted == [str(path)]
    seg = highdicom.seg.segread(str(path))
    names = {seg.get_segment_description(number).segment_label: number for number in seg.segment_numbers}
    assert set(names) == {"Left thalamus", "Right thalamus"} and seg.PatientID == "P1"
    labels = seg.get_volume(combine_segments=True).array
    assert np.count_nonzero(labels == names["Left thalamus"]) == case.voxels[9]
    assert np.count_nonzero(labels == names["Right thalamus"]) == case.voxels[48]


def test_export_says_which_files_and_names_are_missing_and_writes_nothing(widget, a_result_from_dicom, dialogs_shown):
    case = a_result_from_dicom
    case.database.files.pop(next(iter(case.database.files)))
    case.node.GetSegmentation().GetNthSegment(0).SetTerminology("")
    widget.panel.update()
    assert "1 of the 6 DICOM files" in widget.ui.exportButton.toolTip
    widget.ui.exportButton.click()
    told = widget.ui.resultMessage.text
    assert told.startswith("DICOM SEG cannot be written.") and "1 of the 6 DICOM files" in told
    assert "No terminology is set for Left thalamus" in told
    assert not dialogs_shown.shown and not list(case.out.iterdir())


def test_who_cancels_the_choice_of_a_folder_gets_no_file(widget, a_result_from_dicom, dialogs_shown):
    widget.ui.exportButton.click()
    assert [shown.kind for shown in dialogs_shown.shown] == ["folder"]
    assert not list(a_result_from_dicom.out.iterdir()) and not widget.ui.resultMessage.text


def test_a_folder_that_cannot_be_written_is_told(widget, a_result_from_dicom, dialogs_shown):
    pytest.importorskip("highdicom")
    dialogs_shown.answers.append(str(a_result_from_dicom.out / "not there"))
    widget.ui.exportButton.click()
    assert "cannot be written" in widget.ui.resultMessage.text and "Check the folder" in widget.ui.resultMessage.text
