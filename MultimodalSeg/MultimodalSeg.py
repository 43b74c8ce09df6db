"""The scripted module: what Slicer shows of the extension. It computes nothing; MultimodalSegLib does."""

import importlib
import importlib.util
import os
import sys

import qt
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


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


class MultimodalSegWidget(ScriptedLoadableModuleWidget):
    """Says what works from the Python console, and which packages Slicer's Python lacks for it.

    There is no form to fill in yet: the widget shows text and starts nothing.
    """

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        self.logic = None

    def setup(self):
        """Called when the user opens the module for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = MultimodalSegLogic()

        self.introductionLabel = qt.QLabel(
            _("This panel does not run a segmentation yet. With two volumes loaded, type in the Python console:")
        )
        self.introductionLabel.wordWrap = True
        self.exampleLabel = qt.QLabel(self.logic.consoleExample())
        self.exampleLabel.textFormat = qt.Qt.PlainText
        self.exampleLabel.textInteractionFlags = qt.Qt.TextSelectableByMouse
        self.statusLabel = qt.QLabel("")
        self.statusLabel.wordWrap = True
        for label in (self.introductionLabel, self.exampleLabel, self.statusLabel):
            self.layout.addWidget(label)
        self.layout.addStretch(1)
        self.showStatus()

    def enter(self):
        """Called each time the user opens this module."""
        self.showStatus()

    def showStatus(self):
        """Tell whether the lines above would run in this Slicer."""
        missing = self.logic.missingPackages()
        if missing:
            text = _("Missing in Slicer's Python: {names}. Install torch with the PyTorch extension first.").format(
                names=", ".join(missing)
            )
        else:
            text = _("Slicer's Python has every package that these lines need.")
        self.statusLabel.text = text + " " + _("For research use only: this is not a medical device.")


class MultimodalSegLogic(ScriptedLoadableModuleLogic):
    """Finds the library and what it needs.

    Example:
        In the Python console: ``slicer.modules.multimodalseg.widgetRepresentation().self().logic.missingPackages()``
    """

    requiredPackages = ("torch", "monai", "SimpleITK", "numpy", "scipy", "skimage", "safetensors")
    """Import names of what a segmentation needs."""

    @staticmethod
    def library():
        """Import MultimodalSegLib (this loads none of its heavy packages).

        In the installed extension the library lies in the module's own folder, which Slicer searches. In a checkout
        it lies beside that folder.
        """
        if importlib.util.find_spec("MultimodalSegLib") is None:
            sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        return importlib.import_module("MultimodalSegLib")

    def missingPackages(self):
        """Import names that Slicer's Python cannot find; nothing is imported or installed."""
        return [name for name in self.requiredPackages if importlib.util.find_spec(name) is None]

    def consoleExample(self):
        """Lines for the Python console that segment two loaded volumes, here those of the sample CTMRBrain."""
        self.library()
        return (
            "from MultimodalSegLib import Case, align, segment\n"
            "from MultimodalSegLib.slicerside.nodes import segmentation_node, volume_from_node\n"
            "\n"
            'ct, t1 = getNode("CTBrain"), getNode("MRBrainT1")\n'
            'case = Case({"CT": volume_from_node(ct), "T1": volume_from_node(t1)})\n'
            "segmentation = segment(align(case))  # a minute or two; Slicer waits\n"
            'segmentation_node(segmentation, ct, "Segmentation of CT and T1")'
        )


class MultimodalSegTest(ScriptedLoadableModuleTest):
    """Self test: runs in Slicer, from the Reload and Test section or as a ctest."""

    def runTest(self):
        """Run every test."""
        self.test_library()
        self.test_example()

    def test_library(self):
        """The library is found and loads no heavy package."""
        hadTorch = "torch" in sys.modules
        self.assertTrue(MultimodalSegLogic.library().__version__)
        self.assertEqual("torch" in sys.modules, hadTorch)

    def test_example(self):
        """The lines shown to the user are Python, and each name they import is there."""
        example = MultimodalSegLogic().consoleExample()
        compile(example, "<example>", "exec")
        library = MultimodalSegLogic.library()
        for name in ("Case", "align", "segment"):
            self.assertIn(name, library.__all__)
