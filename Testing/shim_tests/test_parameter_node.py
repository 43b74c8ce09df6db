"""The parameter node wrapper keeps typed values in a real node and binds them to widgets both ways."""

from typing import Annotated

import pytest


@pytest.fixture
def wrapped(shim):
    """A parameter node of every kind that the shim keeps, on a node of the scene."""
    import slicer
    from slicer import vtkMRMLScalarVolumeNode
    from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

    class Parameters:
        volume: vtkMRMLScalarVolumeNode
        keep: bool = True
        threads: Annotated[int, WithinRange(0, 64)] = 4
        opacity: Annotated[float, WithinRange(0, 1)] = 0.5
        kind: Annotated[str, Choice(["none", "rigid", "affine"])] = "rigid"
        folder: str = ""

    Parameters.__annotations__["volume"] = vtkMRMLScalarVolumeNode
    return parameterNodeWrapper(Parameters)(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


def test_defaults_are_in_the_node_and_values_survive_in_it(wrapped) -> None:
    assert wrapped.parameterNode.GetParameter("threads") == "4" and wrapped.volume is None
    wrapped.opacity, wrapped.keep = 0.25, False
    again = type(wrapped)(wrapped.parameterNode)
    assert (again.opacity, again.keep, again.threads, again.kind) == (0.25, False, 4, "rigid")


@pytest.mark.parametrize(
    ("name", "value"), [("threads", 65), ("threads", 1.5), ("threads", True), ("kind", "warp"), ("folder", None)]
)
def test_a_wrong_value_is_refused(wrapped, name: str, value: object) -> None:
    with pytest.raises(ValueError):
        setattr(wrapped, name, value)


def test_an_unknown_parameter_is_refused(wrapped) -> None:
    with pytest.raises(AttributeError, match="thread"):
        wrapped.thread = 3


def test_a_node_of_another_class_is_refused(wrapped) -> None:
    import slicer

    with pytest.raises(ValueError, match="volume"):
        wrapped.volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")


def test_a_type_that_is_not_on_the_list_is_refused(shim) -> None:
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    class Parameters:
        names: list[str]

    with pytest.raises(TypeError, match="names"):
        parameterNodeWrapper(Parameters)


def test_widgets_and_parameters_follow_each_other(wrapped) -> None:
    import ctk
    import qt
    import slicer

    box, spin, slider, choice = qt.QCheckBox(), qt.QSpinBox(), ctk.ctkSliderWidget(), qt.QComboBox()
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes, selector.noneEnabled = ["vtkMRMLScalarVolumeNode"], True
    selector.setMRMLScene(slicer.mrmlScene)
    named = {"keep": box, "threads": spin, "opacity": slider, "kind": choice, "volume": selector}
    form = type("Form", (), {})()
    for name, widget in named.items():
        widget.setProperty("SlicerParameterName", name)
        setattr(form, name, widget)
    tag = wrapped.connectGui(form)
    assert (box.checked, spin.value, slider.value, choice.currentText) == (True, 4, 0.5, "rigid")
    assert spin.maximum == 64 and slider.maximum == 1.0

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    box.checked, spin.value, choice.currentIndex = False, 8, 2
    selector.setCurrentNode(volume)
    assert (wrapped.keep, wrapped.threads, wrapped.kind, wrapped.volume) == (False, 8, "affine", volume)
    wrapped.threads, wrapped.volume = 2, None
    assert spin.value == 2 and selector.currentNode() is None

    wrapped.disconnectGui(tag)
    spin.value = 30
    assert wrapped.threads == 2


def test_a_removed_node_leaves_the_parameter(wrapped) -> None:
    import slicer

    wrapped.volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    slicer.mrmlScene.RemoveNode(wrapped.volume)
    assert wrapped.volume is None


@pytest.mark.parametrize(
    ("make", "name", "message"),
    [
        ("QPlainTextEdit", "folder", "cannot be bound"),
        ("QSpinBox", "opacity", "cannot show opacity"),
        ("QComboBox", "folder", "needs a Choice"),
        ("QPushButton", "keep", "not checkable"),
    ],
)
def test_what_slicer_cannot_bind_is_refused(wrapped, make: str, name: str, message: str) -> None:
    import qt

    with pytest.raises(TypeError, match=message):
        wrapped.connectParametersToGui({name: getattr(qt, make)()})


def test_a_name_without_parameter_is_refused(wrapped) -> None:
    import qt

    with pytest.raises(ValueError, match="no parameter named thread;"):
        wrapped.connectParametersToGui({"thread": qt.QSpinBox()})
