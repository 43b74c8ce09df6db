"""A scripted module, written as Slicer's template writes one, runs on the shim."""

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import slicer, vtk
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin
from slicer import vtkMRMLScalarVolumeNode


class Small(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Small")
        self.parent.dependencies = []
        slicer.app.connect("startupCompleted()", lambda: started.append(True))


started, calls = [], []


@parameterNodeWrapper
class SmallParameterNode:
    volume: vtkMRMLScalarVolumeNode
    strong: bool = False


class SmallWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.parameters = self.tag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        form = slicer.util.loadUI(self.resourcePath("UI/Small.ui"))
        self.layout.addWidget(form)
        self.ui = slicer.util.childWidgetVariables(form)
        form.setMRMLScene(slicer.mrmlScene)
        self.logic = SmallLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onClosed)
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.initialize()

    def initialize(self):
        self.use(SmallParameterNode(self.logic.getParameterNode()))

    def use(self, parameters):
        if self.parameters and self.tag:
            self.parameters.disconnectGui(self.tag)
            if self.hasObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.check):
                self.removeObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.check)
        self.parameters, self.tag = parameters, None
        if parameters:
            self.tag = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self.check)
            self.check()

    def check(self, caller=None, event=None):
        self.ui.applyButton.enabled = self.parameters.volume is not None

    def onApply(self):
        with slicer.util.tryWithErrorDisplay("It failed.", waitCursor=True):
            raise RuntimeError("no memory")

    def onClose(self, caller, event):
        self.use(None)

    def onClosed(self, caller, event):
        self.initialize()

    def enter(self):
        calls.append("enter")

    def exit(self):
        calls.append("exit")

    def cleanup(self):
        calls.append("cleanup")
        self.removeObservers()
        self.use(None)


class SmallLogic(ScriptedLoadableModuleLogic):
    pass


class SmallTest(ScriptedLoadableModuleTest):
    def runTest(self):
        self.delayDisplay("tested")
        calls.append("test")
"""
FORM = """<ui version="4.0"><class>Small</class><widget class="qMRMLWidget" name="Small"><layout class="QVBoxLayout">
<item><widget class="qMRMLNodeComboBox" name="selector"><property name="nodeTypes"><stringlist>
<string>vtkMRMLScalarVolumeNode</string></stringlist></property>
<property name="noneEnabled"><bool>true</bool></property>
<property name="SlicerParameterName" stdset="0"><string>volume</string></property></widget></item>
<item><widget class="QCheckBox" name="strongBox"><property name="SlicerParameterName" stdset="0"><string>strong</string>
</property></widget></item>
<item><widget class="QPushButton" name="applyButton"><property name="text"><string>Apply</string></property></widget>
</item>
</layout></widget><connections><connection><sender>Small</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
<receiver>selector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>"""


@pytest.fixture
def small(a_module):
    return a_module("Small", CODE, FORM)


def test_the_template_s_way_from_selector_to_button(small, shim) -> None:
    import slicer

    assert not small.ui.applyButton.enabled
    small.ui.selector.setCurrentNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT"))
    assert small.ui.applyButton.enabled and small.parameters.volume.GetName() == "CT"
    slicer.mrmlScene.Clear()
    assert not small.ui.applyButton.enabled and small.parameters.volume is None


def test_an_error_is_displayed_and_raised(small, shim, dialogs_shown) -> None:
    small.parameters.volume = None
    small.ui.applyButton.enabled = True
    small.ui.applyButton.click()
    assert dialogs_shown.shown[0].text == "It failed.\n\nno memory"
    assert "no memory" in shim.errors.pop()


def test_an_error_is_heard_although_a_command_line_took_the_hook(small, shim, dialogs_shown, monkeypatch) -> None:
    """Typer puts its own hook in place of any other for the rest of the process."""
    monkeypatch.setattr(sys, "excepthook", lambda *_error: None)
    with shim.listening() as errors:
        small.onApply.__globals__["slicer"].app.signals.connect("aboutToQuit()", lambda: 1 / 0)
        small.onApply.__globals__["slicer"].app.signals.aboutToQuit.emit()
    assert "ZeroDivisionError" in errors.pop()


def test_the_module_is_known_to_slicer(small) -> None:
    import slicer

    assert slicer.util.getModule("Small").title == "Small"
    assert slicer.util.getModuleWidget("Small") is small and slicer.modules.SmallWidget is small
    assert slicer.util.getModuleLogic("Small") is small.logic
    assert Path(slicer.util.modulePath("Small")).name == "Small.py"


def test_entering_another_module_leaves_this_one(small, shim) -> None:
    import slicer

    slicer.util.selectModule("Small")
    slicer.util.selectModule("SegmentEditor")
    assert small.onApply.__globals__["calls"][-1] == "exit"
    with pytest.raises(Exception, match="Smal"):
        slicer.util.selectModule("Smal")


def test_a_reload_cleans_up_and_makes_the_panel_anew(small, shim) -> None:
    import slicer

    calls = small.onApply.__globals__["calls"]
    slicer.util.reloadScriptedModule("Small")
    again = slicer.modules.SmallWidget
    assert again is not small and "cleanup" in calls
    assert not again.ui.applyButton.enabled


def test_closing_the_application_exits_and_cleans_up(small, shim) -> None:
    calls = small.onApply.__globals__["calls"]
    shim.close_modules()
    assert calls[-2:] == ["exit", "cleanup"]


def test_start_up_is_completed_once_and_the_self_test_runs(small, shim) -> None:
    import slicer

    content = small.onApply.__globals__
    assert content["started"] == [True]
    slicer.modules.SmallInstance.runTest()
    assert content["calls"][-1] == "test"


def test_a_picture_of_the_panel_shows_something(small, shim, tmp_path: Path) -> None:
    from PySide6 import QtGui

    shim.grab(small.parent, tmp_path / "panel.png", 350)
    picture = QtGui.QImage(str(tmp_path / "panel.png"))
    colors = {picture.pixelColor(x, y).rgb() for x in range(0, 350, 5) for y in range(0, picture.height(), 5)}
    assert picture.width() == 350 and len(colors) > 3


def test_texts_without_translation_stand_out(a_module, monkeypatch) -> None:
    import i18n

    monkeypatch.setattr(i18n, "marking", True)
    a_module("Small", CODE, FORM)
    import slicer

    assert slicer.modules.small.title == "\N{LEFT DOUBLE PARENTHESIS}Small\N{RIGHT DOUBLE PARENTHESIS}"


def test_a_description_has_no_other_fields(small) -> None:
    import slicer

    with pytest.raises(AttributeError):
        slicer.modules.small.categorie = ["Segmentation"]


def test_settings_are_kept_apart_from_a_person_s(shim) -> None:
    import qt

    settings = qt.QSettings()
    settings.setValue("MultimodalSeg/Device", "cpu")
    assert "MultimodalSeg-settings-" in settings.fileName() and settings.value("MultimodalSeg/Device") == "cpu"


def test_sample_data_with_a_misspelt_argument_is_refused(shim) -> None:
    from SampleData import SampleDataLogic

    with pytest.raises(TypeError, match="nodeName"):
        SampleDataLogic.registerCustomSampleDataSource(category="X", sampleName="Y", nodeName="Z")


def test_many_turns_of_the_event_loop_do_not_end_the_process(shim):
    """In a process of its own: what is wrong here ends it."""
    code = "import application; application.start(); [application.process_events() for _turn in range(40000)]"
    folder = Path(shim.__file__).parent
    answer = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
