"""The form and the code that uses it agree; read from the files alone, without Qt or slicer-core."""

import ast
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = ROOT / "MultimodalSeg" / "MultimodalSeg.py"
FORM = ROOT / "MultimodalSeg" / "Resources" / "UI" / "MultimodalSeg.ui"
CODE = [MODULE, *sorted((ROOT / "MultimodalSegLib" / "slicerside").rglob("*.py"))]

ALLOWED_NAMES = (
    "QWidget QFrame QLabel QPushButton QToolButton QCheckBox QComboBox QLineEdit QSpinBox QDoubleSpinBox QProgressBar "
    "QPlainTextEdit QTextBrowser QTableWidget QSlider QGroupBox QTabWidget QScrollArea "
    "ctkCollapsibleButton ctkCollapsibleGroupBox ctkSliderWidget ctkPathLineEdit "
    "qMRMLWidget qMRMLNodeComboBox qMRMLSegmentsTableView qMRMLCheckableNodeComboBox"
)
ALLOWED = set(ALLOWED_NAMES.split())
"""Classes that the shim stands for faithfully; a class beyond them needs its double and a test of it first."""
MRML = {name for name in ALLOWED if name.startswith("qMRML")} - {"qMRMLWidget"}
OPERATED_NAMES = (
    "QPushButton QToolButton QCheckBox QComboBox QLineEdit QSpinBox QDoubleSpinBox QSlider "
    "ctkSliderWidget ctkPathLineEdit qMRMLNodeComboBox qMRMLCheckableNodeComboBox"
)
OPERATED = set(OPERATED_NAMES.split())
"""Controls that a person operates: each says in a tooltip what it does."""


@pytest.fixture(scope="module")
def tree() -> ElementTree.Element:
    return ElementTree.parse(FORM).getroot()


@pytest.fixture(scope="module")
def widgets(tree: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {element.get("name", ""): element for element in tree.iter("widget")}


def text_of(widget: ElementTree.Element, name: str) -> str:
    """A property's text, or nothing."""
    found = next((entry for entry in widget.findall("property") if entry.get("name") == name), None)
    return "".join(found.itertext()).strip() if found is not None else ""


def names_used() -> dict[str, str]:
    """Every ``ui.x`` and ``self.ui.x`` in the code, with the place."""
    used = {}
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                of = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
                if of == "ui":
                    used[node.attr] = f"{path.name}:{node.lineno}"
    return used


def parameters() -> set[str]:
    """Annotated members of the class under ``@parameterNodeWrapper``."""
    for node in ast.parse(MODULE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and "parameterNodeWrapper" in map(ast.unparse, node.decorator_list):
            return {line.target.id for line in node.body if isinstance(line, ast.AnnAssign)}
    return set()


def test_names_are_given_once(tree: ElementTree.Element) -> None:
    names = [element.get("name") for element in tree.iter("widget")]
    assert sorted(names) == sorted(set(names))


def test_every_widget_class_is_on_the_list(widgets) -> None:
    assert {element.get("class") for element in widgets.values()} <= ALLOWED


def test_every_class_of_slicer_is_declared_as_a_custom_widget(tree: ElementTree.Element, widgets) -> None:
    declared = {entry.findtext("class") for entry in tree.iter("customwidget")}
    used = {element.get("class", "") for element in widgets.values()}
    assert {name for name in used if not name.startswith("Q")} <= declared


def test_every_parameter_name_is_a_parameter(widgets) -> None:
    named = {text_of(element, "SlicerParameterName") for element in widgets.values()} - {""}
    assert named and named <= parameters()


def test_every_parameter_name_is_a_dynamic_property(tree: ElementTree.Element) -> None:
    entries = [entry for entry in tree.iter("property") if entry.get("name") == "SlicerParameterName"]
    assert all(entry.get("stdset") == "0" for entry in entries)


def test_every_name_used_in_the_code_is_in_the_form(widgets) -> None:
    used = names_used()
    assert used
    assert {name: place for name, place in used.items() if name not in widgets} == {}


def test_every_node_widget_gets_the_scene(tree: ElementTree.Element, widgets) -> None:
    given = {
        connection.findtext("receiver")
        for connection in tree.iter("connection")
        if connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
    }
    given |= {name for name in widgets for path in CODE if f"{name}.setMRMLScene(" in path.read_text(encoding="utf-8")}
    assert {name for name, element in widgets.items() if element.get("class") in MRML} - given == set()


def test_every_control_has_a_tooltip(widgets) -> None:
    silent = [name for name, w in widgets.items() if w.get("class") in OPERATED and not text_of(w, "toolTip")]
    assert silent == []


def test_every_buddy_is_there(widgets) -> None:
    buddies = {name: text_of(element, "buddy") for name, element in widgets.items() if text_of(element, "buddy")}
    assert {name: buddy for name, buddy in buddies.items() if buddy not in widgets} == {}


def test_every_tab_stop_is_there(tree: ElementTree.Element, widgets) -> None:
    assert {entry.text for entry in tree.iter("tabstop")} <= set(widgets)
