"""The section Results: what a run left, its tables and its maps."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def a_result(widget, a_pair, a_transform):
    """A result of the pair, shown in the panel."""
    import slicer

    from MultimodalSegLib.slicerside.run.result import Result
    from MultimodalSegLib.slicerside.scene.tables import table_node

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Head CT segmentation")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(a_pair[0])
    for name in ("Left thalamus", "Bone"):
        node.GetSegmentation().AddEmptySegment(name, name)
    a_pair[1].SetAndObserveTransformNodeID(a_transform(1.0).GetID())
    columns = {"name": ["Left thalamus", "Bone"], "value": ["10", "515"], "volume_ml": ["6.78123", "nan"]}
    columns |= {"p5_CT": ["20.5", "300"], "asymmetry_percent": ["-3.14159", "nan"]}
    table = table_node(columns, "Head CT measurements")
    record = {"reference": "CT", "segmentation": {"lesion_presence": 0.25}}
    widget.panel.results.take(Result(node, tableNodes={"measurements": table}, record=record), {"T1": a_pair[1]})
    return SimpleNamespace(node=node, table=table)


@pytest.fixture
def a_map(a_result, a_volume):
    """The same result with a lesion's probability map."""
    from MultimodalSegLib.slicerside.run.result import Result
    from MultimodalSegLib.slicerside.scene.color_maps import show_as_map

    node = a_volume("Head CT lesion")
    node.SetAttribute("MultimodalSeg.Map", "probabilities/lesion.nrrd")
    node.SetAttribute("MultimodalSeg.Checksum", "abc")
    show_as_map(node)
    tables, record = {"measurements": a_result.table}, {"reference": "CT"}
    return SimpleNamespace(node=node, result=Result(a_result.node, {}, tables, {"lesion": node}, record=record))


def test_a_result_is_listed_with_its_tables(widget, a_result, shim, pictures):
    ui = widget.ui
    assert widget._parameterNode.resultSegmentation is a_result.node
    assert "Lesion score: 0.25" in ui.resultMessage.text and "not a probability" in ui.resultMessage.text
    assert ui.tableBox.currentText == "Measurements"
    cells = [[ui.tableView.item(row, column).text() for column in range(3)] for row in range(2)]
    assert cells == [["Left thalamus", "6.781", "-3.142"], ["Bone", "", ""]]
    heads = [ui.tableView.horizontalHeaderItem(column).text() for column in range(1, 3)]
    assert heads == ["Volume (ml)", "Asymmetry (percent)"], "percentiles are for the table in the view"
    assert ui.checkBox.currentText == "Head T1" and ui.blinkButton.visible
    pictures(widget, "result", shim)


def test_edit_opens_the_segment_editor_on_the_result(widget, a_result, a_pair):
    import slicer

    widget.ui.editButton.click()
    editor = slicer.modules.SegmentEditorWidget.editor
    assert editor.segmentationNode() is a_result.node and editor.sourceVolumeNode() is a_pair[0]


def test_export_says_what_is_missing(widget, a_result, dialogs_shown):
    widget.ui.exportButton.click()
    assert "DICOM SEG cannot be written." in widget.ui.resultMessage.text and not dialogs_shown.shown


def test_the_table_is_shown_in_a_view(widget, a_result):
    import slicer

    widget.ui.openTableButton.click()
    assert slicer.app.applicationLogic().GetSelectionNode().GetActiveTableID() == a_result.table.GetID()


def test_a_result_that_came_while_the_module_was_left_is_shown_on_return(widget, a_pair, a_result, segmentations):
    from MultimodalSegLib.slicerside.run.result import Result

    widget._parameterNode.resultSegmentation = widget._parameterNode.movingVolume1 = None
    widget.ui.applyButton.click()
    run = segmentations[0][1]
    widget.exit()
    run.end(run.finished, Result(a_result.node, record={"reference": "CT"}))
    widget.enter()
    assert widget._parameterNode.resultSegmentation is a_result.node
    assert widget.ui.segmentsView.segmentationNode() is a_result.node and widget.ui.editButton.visible


def test_a_map_is_laid_over_the_reference_and_taken_away_again(widget, a_result, a_map, a_pair, shim, pictures):
    import slicer

    ui, composite = widget.ui, slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    assert not ui.mapBox.visible
    widget.panel.results.take(a_map.result, {"T1": a_pair[1]})
    assert [ui.mapBox.itemText(n) for n in range(ui.mapBox.count)] == ["None", "Probability: lesion"]
    assert ui.mapBox.visible and not ui.mapOpacitySlider.visible
    composite.SetBackgroundVolumeID(a_pair[1].GetID())
    ui.mapBox.setCurrentIndex(1)
    assert composite.GetBackgroundVolumeID() == a_pair[0].GetID()
    assert composite.GetForegroundVolumeID() == a_map.node.GetID() and composite.GetForegroundOpacity() == 0.6
    (legend,) = slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
    assert legend.GetVisibility() and a_map.node.GetDisplayNode().GetApplyThreshold()
    ui.mapOpacitySlider.value = 0.25
    assert composite.GetForegroundOpacity() == 0.25
    pictures(widget, "map", shim)
    widget.exit()
    assert composite.GetForegroundVolumeID() == a_map.node.GetID(), "it stays while another module is open"
    widget.enter()
    ui.mapBox.setCurrentIndex(0)
    assert not composite.GetForegroundVolumeID() and composite.GetBackgroundVolumeID() == a_pair[1].GetID()
    assert not legend.GetVisibility() and not ui.mapOpacitySlider.visible


def test_a_map_goes_with_its_result(widget, a_result, a_map, a_pair):
    import slicer

    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    widget.panel.results.take(a_map.result, {"T1": a_pair[1]})
    widget.ui.mapBox.setCurrentIndex(1)
    widget._parameterNode.resultSegmentation = None
    assert not composite.GetForegroundVolumeID() and not widget.ui.mapBox.visible
    widget._parameterNode.resultSegmentation = a_result.node
    assert widget.ui.mapBox.count == 2 and widget.ui.mapBox.currentIndex == 0
    widget.ui.mapBox.setCurrentIndex(1)
    slicer.mrmlScene.Clear()
    assert not widget.ui.mapBox.visible and not composite.GetForegroundVolumeID()
