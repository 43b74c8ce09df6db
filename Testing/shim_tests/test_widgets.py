"""The CTK and MRML doubles follow their headers and the real scene."""

import pytest


@pytest.fixture
def slicer(shim):
    import slicer

    return slicer


@pytest.fixture
def ctk(shim):
    import ctk

    return ctk


def a_volume(slicer, name: str, kind: str = "vtkMRMLScalarVolumeNode"):
    return slicer.mrmlScene.AddNewNodeByClass(kind, name)


@pytest.fixture
def a_selector(slicer):
    """Function that makes a selector of scalar volumes on the scene."""

    def make(**properties):
        selector = slicer.qMRMLNodeComboBox()
        selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        for name, value in properties.items():
            setattr(selector, name, value)
        selector.setMRMLScene(slicer.mrmlScene)
        return selector

    return make


def test_a_section_hides_its_children_and_remembers_them(ctk, shim) -> None:
    import qt

    section = ctk.ctkCollapsibleButton("Inputs")
    form = qt.QVBoxLayout(section)
    shown, hidden = qt.QLabel("shown"), qt.QLabel("hidden")
    form.addWidget(shown)
    form.addWidget(hidden)
    section.show()
    hidden.visible = False
    folded = []
    section.connect("contentsCollapsed(bool)", folded.append)
    section.collapsed = True
    assert not shown.visible and not hidden.visible and section.collapsed
    hidden.visible = True  # what the module asks for meanwhile is done when the section is opened
    assert not hidden.visible
    section.collapsed = False
    assert shown.visible and hidden.visible and folded == [True, False]


def test_a_slider_keeps_its_value_in_range_and_tells(ctk) -> None:
    slider, got = ctk.ctkSliderWidget(), []
    slider.connect("valueChanged(double)", got.append)
    slider.minimum, slider.maximum, slider.value = 0.0, 1.0, 0.4
    slider.value = 7.0
    assert got == [0.4, 1.0]


def test_doubles_are_as_strict_as_qt(ctk, slicer) -> None:
    with pytest.raises(AttributeError, match="did you mean 'maximum'"):
        ctk.ctkSliderWidget().maximun = 3
    with pytest.raises(AttributeError, match="did you mean 'noneEnabled'"):
        slicer.qMRMLNodeComboBox().noneEnable = True
    with pytest.raises(ValueError, match="currentNodeChanged"):
        slicer.qMRMLNodeComboBox().connect("currentNodeChanged(vtkMRMLVolumeNode*)", print)
    with pytest.raises(ValueError, match="no signal"):
        slicer.qMRMLNodeComboBox().connect("currentNodeChanged(PyObject)", print)
    with pytest.raises(ImportError):
        from ctk import ctkRangeSlider  # noqa: F401


def test_a_path_is_browsed_for_and_told(ctk, dialogs_shown) -> None:
    edit, got = ctk.ctkPathLineEdit(), []
    edit.connect("currentPathChanged(QString)", got.append)
    dialogs_shown.answers.append("/data/head")
    edit.browse()
    assert edit.currentPath == "/data/head" and got == ["/data/head"]


def test_a_selector_without_scene_is_disabled(slicer) -> None:
    import qt

    selector = slicer.qMRMLNodeComboBox()
    (inner,) = [child for child in selector.children() if isinstance(child, qt.QComboBox)]
    assert not inner.enabled
    selector.setMRMLScene(slicer.mrmlScene)
    assert inner.enabled


def test_a_selector_follows_the_scene(slicer, a_selector) -> None:
    selector, got = a_selector(), []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", got.append)
    ct, mr = a_volume(slicer, "CT"), a_volume(slicer, "MR")
    a_volume(slicer, "other", "vtkMRMLModelNode")
    assert [node.GetName() for node in selector.nodes()] == ["CT", "MR"]
    assert selector.currentNode() is ct  # without "None" the first node is chosen
    slicer.mrmlScene.RemoveNode(ct)
    assert selector.currentNodeID == mr.GetID()
    slicer.mrmlScene.Clear()
    assert selector.currentNode() is None and got == [ct, mr, None]


def test_with_none_nothing_is_chosen_by_itself(slicer, a_selector) -> None:
    selector = a_selector(noneEnabled=True)
    volume = a_volume(slicer, "CT")
    assert selector.currentNode() is None
    selector.setCurrentNode(volume)
    assert selector.currentNode() is volume
    selector.setCurrentNode(None)
    assert selector.currentNodeID == ""


def test_a_selector_filters(slicer, a_selector) -> None:
    volume, label = a_volume(slicer, "CT"), a_volume(slicer, "labels", "vtkMRMLLabelMapVolumeNode")
    hidden = a_volume(slicer, "hidden")
    hidden.SetHideFromEditors(True)
    selector = a_selector()
    assert selector.nodes() == [volume, label]
    selector.hideChildNodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    assert selector.nodes() == [volume]
    selector.hideChildNodeTypes = []
    selector.showChildNodeTypes = False
    assert selector.nodes() == [volume]
    selector.addAttribute("vtkMRMLScalarVolumeNode", "Kind", "CT")
    assert selector.nodes() == []
    volume.SetAttribute("Kind", "CT")
    assert selector.nodes() == [volume]


def test_a_renamed_node_is_shown_by_its_new_name(slicer, a_selector) -> None:
    import qt

    volume = a_volume(slicer, "CT")
    selector = a_selector()
    volume.SetName("Head CT")
    (inner,) = [child for child in selector.children() if isinstance(child, qt.QComboBox)]
    assert inner.currentText == "Head CT"


def test_check_marks(slicer) -> None:
    selector, got = slicer.qMRMLCheckableNodeComboBox(), []
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(slicer.mrmlScene)
    selector.connect("checkedNodesChanged()", lambda: got.append(len(selector.checkedNodes())))
    ct, mr = a_volume(slicer, "CT"), a_volume(slicer, "MR")
    selector.check(mr)
    assert selector.checkedNodes() == [mr] and selector.uncheckedNodes() == [ct]
    selector.check(ct)
    selector.uncheck(mr)
    assert got == [1, 2, 1] and not selector.noneChecked() and not selector.allChecked()


def test_the_table_of_segments_follows_the_segmentation(slicer, shim) -> None:
    import qt

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "S")
    node.CreateDefaultDisplayNodes()
    table = slicer.qMRMLSegmentsTableView()
    table.setMRMLScene(slicer.mrmlScene)
    table.setSegmentationNode(node)
    brain = node.GetSegmentation().AddEmptySegment("brain", "Brain")
    node.GetSegmentation().AddEmptySegment("bone", "Bone")
    assert table.segmentCount == 2
    table.tableWidget().item(0, 0).setCheckState(qt.Qt.Unchecked)
    assert not node.GetDisplayNode().GetSegmentVisibility(brain)
    got = []
    table.connect("selectionChanged(QItemSelection,QItemSelection)", lambda: got.append(table.selectedSegmentIDs()))
    table.setSelectedSegmentIDs(["bone"])
    assert got[-1] == ["bone"]
    table.textFilter = "bra"
    assert table.displayedSegmentIDs() == ["brain"]
    node.GetSegmentation().RemoveSegment("brain")
    assert table.segmentCount == 0


def test_a_widget_that_is_gone_no_longer_follows(slicer, a_selector, shim) -> None:
    selector = a_selector()
    selector.deleteLater()
    shim.process_events()
    a_volume(slicer, "CT")  # an error in the observer would fail this test at its end
