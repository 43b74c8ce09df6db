"""The scripted module: what Slicer shows of the extension. It computes nothing; MultimodalSegLib does."""

import importlib
import importlib.util
import pathlib
import sys

import slicer
import vtk
from slicer import (
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLMarkupsROINode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLTransformNode,
)
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


def libraryModule(name=""):
    """A module of MultimodalSegLib, imported now: starting Slicer loads none of it.

    In the installed extension the library lies in the module's own folder, which Slicer searches. In a checkout it
    lies beside that folder.
    """
    if importlib.util.find_spec("MultimodalSegLib") is None:
        sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
    return importlib.import_module(f"MultimodalSegLib.{name}" if name else "MultimodalSegLib")


class MultimodalSeg(ScriptedLoadableModule):
    """What the module is, for Slicer's module list and help."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Multimodal Segmentation")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = []
        self.parent.contributors = ["The SlicerMultimodalSeg contributors"]
        self.parent.helpText = _(
            "Registers the CT and MRI of one head and segments brain, skull and lesions with a network that uses both "
            "scans, or whichever is there. For research use only: this is not a medical device."
        )
        self.parent.acknowledgementText = _(
            "The network was trained on synthetic images made from public label maps; the README names them."
        )
        if hasattr(slicer.app, "connect"):
            slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Offer the shipped pair in Slicer's Sample Data module."""
    icons = pathlib.Path(__file__).resolve().parent / "Resources" / "Icons"
    libraryModule("slicerside.sample").registerSampleData(icons / "SyntheticPair.png")


@parameterNodeWrapper
class MultimodalSegParameterNode:
    """What a user has chosen; it is saved with the scene.

    The modality of a volume is kept with the volume, as its attribute ``MultimodalSeg.Modality``. What belongs to the
    computer and not to the scene (device, threads, folders) is kept in the application's settings.
    """

    referenceVolume: vtkMRMLScalarVolumeNode
    movingVolume1: vtkMRMLScalarVolumeNode
    movingVolume2: vtkMRMLScalarVolumeNode
    movingVolume3: vtkMRMLScalarVolumeNode
    regionOfInterest: vtkMRMLMarkupsROINode
    registration: str = "rigid"
    backend: str = "auto"
    transform1: vtkMRMLTransformNode
    transform2: vtkMRMLTransformNode
    transform3: vtkMRMLTransformNode
    fixedLandmarks: vtkMRMLMarkupsFiducialNode
    landmarks1: vtkMRMLMarkupsFiducialNode
    landmarks2: vtkMRMLMarkupsFiducialNode
    landmarks3: vtkMRMLMarkupsFiducialNode
    model: str = "default"
    lesionProbability: bool = False
    structureMaps: str = ""
    outputSegmentation: vtkMRMLSegmentationNode
    resultSegmentation: vtkMRMLSegmentationNode


class MultimodalSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: it loads the form and hands it to :class:`MultimodalSegLib.slicerside.panel.panel.Panel`."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None

    def setup(self):
        """Called when the user opens the module for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        form = slicer.util.loadUI(self.resourcePath("UI/MultimodalSeg.ui"))
        self.layout.addWidget(form)
        self.ui = slicer.util.childWidgetVariables(form)
        form.setMRMLScene(slicer.mrmlScene)

        self.logic = MultimodalSegLogic()
        loadSampleData = libraryModule("slicerside.sample").loadSampleData
        self.panel = libraryModule("slicerside.panel.panel").Panel(self.ui, self.logic.worker, loadSampleData)

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)
        self.initializeParameterNode()

    def cleanup(self):
        """Called when the application exits and before the module is reloaded: a run is stopped."""
        self.setParameterNode(None)
        self.removeObservers()
        if self.panel is not None:
            self.panel.close()

    def enter(self):
        """Called each time the user opens this module."""
        self.initializeParameterNode()

    def exit(self):
        """Called each time the user opens another module: a run goes on, the bindings rest."""
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event):
        """The scene is about to be emptied: what runs for it has no use anymore."""
        self.panel.sceneClosing()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        """The scene is empty, or another one was loaded."""
        if self.parent is None or not hasattr(self.parent, "isEntered") or self.parent.isEntered:
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, caller, event, node):
        """A volume came: it is proposed as input once it is complete."""
        if node.IsA("vtkMRMLScalarVolumeNode") and not slicer.mrmlScene.IsBatchProcessing():
            self.panel.volumeCame()

    def initializeParameterNode(self):
        """Make sure that the parameter node is there, is bound and has inputs chosen."""
        self.setParameterNode(MultimodalSegParameterNode(self.logic.getParameterNode()))

    def setParameterNode(self, parameters):
        """Bind the form to parameters, or to none."""
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
        self._parameterNode = parameters
        if parameters is not None:
            self._parameterNodeGuiTag = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
        if self.panel is not None:
            self.panel.setParameters(parameters)

    def onParametersChanged(self, caller=None, event=None):
        """A choice was changed, by hand or by a script."""
        self.panel.update()

    def onReload(self):
        """Developer's button: the library is loaded anew too."""
        self.cleanup()
        for name in [name for name in sys.modules if name.split(".")[0] == "MultimodalSegLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


class MultimodalSegLogic(ScriptedLoadableModuleLogic):
    """What scripts call; the work is done by :class:`MultimodalSegLib.slicerside.logic.MultimodalSegLogic`.

    Example:
        In the Python console, with two volumes loaded:
        ``logic = slicer.util.getModuleLogic("MultimodalSeg")``
        ``result = logic.process(getNode("CTBrain"), {"T1": getNode("MRBrainT1")}, referenceModality="CT")``
    """

    def __init__(self, parent=None):
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self._worker = None

    @property
    def worker(self):
        """The library's own logic, imported when it is asked for."""
        if self._worker is None:
            self._worker = libraryModule("slicerside.logic").MultimodalSegLogic()
        return self._worker

    def process(self, referenceNode, movingNodes=None, **options):
        """Register and segment; see the library's logic for the options and the result. No dialog appears."""
        return self.worker.process(referenceNode, movingNodes, **options)

    def start(self, referenceNode, movingNodes=None, **options):
        """The same without waiting: a run with signals and ``cancel()``."""
        return self.worker.start(referenceNode, movingNodes, **options)


class MultimodalSegTest(ScriptedLoadableModuleTest):
    """Self test: runs in Slicer, from the Reload and Test section or as a ctest."""

    def setUp(self):
        """Start from an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self):
        """Run every test."""
        for test in (self.test_library, self.test_wholeWay):
            self.setUp()
            test()

    def test_library(self):
        """The library is found and loads no heavy package."""
        hadTorch = "torch" in sys.modules
        self.assertTrue(libraryModule().__version__)
        self.assertEqual("torch" in sys.modules, hadTorch)

    def test_wholeWay(self):
        """The sample pair, chosen by the panel, is aligned and segmented after one click on Apply."""
        missing = libraryModule("slicerside.setup.installation").missing()
        if missing:
            names = ", ".join(package.name for package in missing)
            self.delayDisplay(f"Skipped: {names} missing in Slicer's Python")
            return
        slicer.util.selectModule("MultimodalSeg")
        widget = slicer.modules.MultimodalSegWidget
        widget.ui.sampleDataButton.click()
        self.assertTrue(widget.ui.applyButton.enabled, widget.ui.reasonLabel.text)
        self.delayDisplay("The inputs are chosen; Apply is pressed")
        widget.ui.applyButton.click()
        self.assertTrue(widget.panel.waitUntilDone(seconds=900), widget.ui.messageLabel.text)
        node = widget.panel.results.node
        self.assertIsNotNone(node, widget.ui.messageLabel.text)
        self.assertGreater(node.GetSegmentation().GetNumberOfSegments(), 10)
        self.assertGreater(widget.ui.tableView.rowCount, 10)
        self.delayDisplay("The whole way was gone")
