"""The few parts of the Slicer application object that ``slicer.util`` asks for when it loads and saves files.

With it the real ``loadVolume``, ``loadSegmentation``, ``loadTransform``, ``saveNode`` and ``saveScene`` work unchanged
on the MRML classes of slicer-core. Method names are the application's own.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .packages import slicer

Properties = dict[str, Any]

FILE_TYPES = {
    ".seg.nrrd": "SegmentationFile",
    ".nrrd": "VolumeFile",
    ".nii": "VolumeFile",
    ".nii.gz": "VolumeFile",
    ".mha": "VolumeFile",
    ".h5": "TransformFile",
    ".tfm": "TransformFile",
    ".mrb": "SceneFile",
    ".mrml": "SceneFile",
}


class FileReadersAndWriters:
    """Stands for ``slicer.app.coreIOManager()``."""

    def fileType(self, path: str | Path) -> str:
        """Kind of a file by its name; the longest matching ending counts."""
        name = Path(path).name.lower()
        endings = [ending for ending in FILE_TYPES if name.endswith(ending)]
        return FILE_TYPES[max(endings, key=len)] if endings else "NoFile"

    def fileWriterFileType(self, node: Any) -> str:
        """Kind of file that a node is written to."""
        return "SegmentationFile" if node.IsA("vtkMRMLSegmentationNode") else "NodeFile"

    def loadNodes(self, kind: str, properties: Properties, loaded: Any, messages: Any) -> bool:
        """Load one file into the scene and put its node into ``loaded``; the same meaning as in the application."""
        path = str(properties["fileName"])
        name = properties.get("name", "")
        if kind == "VolumeFile":
            name = name or Path(path).name.split(".")[0]
            options = 1 if properties.get("labelmap") else 0  # vtkSlicerVolumesLogic::LabelMap
            node = slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)
        elif kind == "SegmentationFile":
            node = slicer.modules.segmentations.logic().LoadSegmentationFromFile(path, True, name)
        elif kind == "TransformFile":
            node = slicer.modules.transforms.logic().AddTransform(path, slicer.mrmlScene, messages)
        elif kind == "SceneFile":
            return self._load_scene(path, bool(properties.get("clear", False)), messages)
        else:
            return False
        if node is None:
            return False
        loaded.AddItem(node)
        return True

    def saveNodes(self, kind: str, properties: Properties, messages: Any) -> bool:
        """Write one node, or the whole scene as ``.mrb`` or ``.mrml``; the same meaning as in the application."""
        path = str(properties["fileName"])
        if kind == "SceneFile":
            if path.lower().endswith(".mrb"):
                return bool(slicer.mrmlScene.WriteToMRB(path, None, messages))
            return bool(slicer.mrmlScene.Commit(path, messages))
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None and not node.AddDefaultStorageNode(path):
            return False
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        storage.SetUseCompression(int(properties.get("useCompression", True)))
        return bool(storage.WriteData(node))

    def _load_scene(self, path: str, clear: bool, messages: Any) -> bool:
        if path.lower().endswith(".mrb"):
            return bool(slicer.mrmlScene.ReadFromMRB(path, clear, messages))
        slicer.mrmlScene.SetURL(path)
        return bool(slicer.mrmlScene.Connect(messages) if clear else slicer.mrmlScene.Import(messages))


class HeadlessApplication:
    """Stands for ``slicer.app`` where there is no application."""

    def __init__(self, logic: Any) -> None:
        self._logic = logic
        self._files = FileReadersAndWriters()

    def applicationLogic(self) -> Any:
        """The logic that joins scene, colors, views and module logics."""
        return self._logic

    def coreIOManager(self) -> FileReadersAndWriters:
        """What reads and writes files."""
        return self._files

    def testingEnabled(self) -> bool:
        """Always true: nothing waits for a click."""
        return True

    def processEvents(self) -> None:
        """There is no event loop."""


def module_with_logic(logic: Any) -> SimpleNamespace:
    """An entry of ``slicer.modules``: an object whose ``logic()`` answers the module's logic."""
    return SimpleNamespace(logic=lambda: logic)
