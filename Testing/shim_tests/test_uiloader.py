"""A form is refused when the application would not show it as it was meant."""

from pathlib import Path

import pytest

FORM = """<ui version="4.0"><class>F</class><widget class="qMRMLWidget" name="F"><layout class="QVBoxLayout">
<item><widget class="{cls}" name="one"><property name="{property}"><string>x</string></property></widget></item>
<item><widget class="qMRMLNodeComboBox" name="selector"><property name="nodeTypes"><stringlist>
<string>vtkMRMLScalarVolumeNode</string></stringlist></property></widget></item>
<item><widget class="ctkPathLineEdit" name="path"><property name="filters">
<set>ctkPathLineEdit::Dirs|ctkPathLineEdit::Hidden</set></property></widget></item>
</layout></widget><connections><connection><sender>F</sender><signal>{signal}</signal>
<receiver>selector</receiver><slot>{slot}</slot></connection></connections></ui>"""

RIGHT = {
    "cls": "QLabel",
    "property": "text",
    "signal": "mrmlSceneChanged(vtkMRMLScene*)",
    "slot": "setMRMLScene(vtkMRMLScene*)",
}


@pytest.fixture
def load(shim, tmp_path: Path):
    """Function that loads the form with some of its words changed."""
    import slicer

    def make(**changed: str):
        path = tmp_path / "form.ui"
        path.write_text(FORM.format(**{**RIGHT, **changed}), encoding="utf-8")
        return slicer.util.loadUI(str(path))

    return make


def test_a_form_is_loaded_with_the_shim_s_classes(load) -> None:
    import ctk
    import slicer

    form = load()
    ui = slicer.util.childWidgetVariables(form)
    assert isinstance(ui.selector, slicer.qMRMLNodeComboBox) and ui.one.text == "x"
    assert ui.selector.nodeTypes == ["vtkMRMLScalarVolumeNode"]
    assert ui.path.filters == ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Hidden
    form.setMRMLScene(slicer.mrmlScene)
    assert ui.selector.mrmlScene() is slicer.mrmlScene
    with pytest.raises(AttributeError):
        form.selector = None  # the children are not attributes of the form


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cls": "qMRMLNodeCombobox"}, "widget class qMRMLNodeCombobox"),
        ({"cls": "QFancyLabel"}, "widget class QFancyLabel"),
        ({"property": "txet"}, "no property 'txet'"),
        ({"signal": "mrmlSceneChange(vtkMRMLScene*)"}, "no signal"),
        ({"slot": "setMrmlScene(vtkMRMLScene*)"}, "no slot"),
    ],
)
def test_a_wrong_form_is_refused(load, changed: dict[str, str], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        load(**changed)


def test_a_parameter_name_is_a_dynamic_property(load) -> None:
    form = load(property="SlicerParameterName")
    assert form.children()[-1].property("SlicerParameterName") is None
    import slicer

    assert slicer.util.childWidgetVariables(form).one.property("SlicerParameterName") == "x"


def test_a_missing_file_is_refused(shim) -> None:
    import slicer

    with pytest.raises(RuntimeError, match="file not found"):
        slicer.util.loadUI("/no/such/form.ui")
