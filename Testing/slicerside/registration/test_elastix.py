"""elastix through SlicerElastix: parameter texts, and the run around that extension's logic.

The extension and its executables exist only inside the Slicer application; a stand-in for its logic answers here.
"""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from MultimodalSegLib.slicerside.registration.elastix import elastix_parameters
from Testing.phantoms import TRANSFORM, a_ct, an_mr


def values(text):
    """A parameter file as a dictionary."""
    found = dict(re.findall(r'^\((\w+) "?([^"\n]*?)"?\)$', text, re.MULTILINE))
    assert len(found) == len(text.splitlines()), "a line that elastix would not understand"
    return found


@pytest.mark.parametrize(
    ("kind", "transforms"),
    [
        ("rigid", ["EulerTransform"]),
        ("affine", ["EulerTransform", "AffineTransform"]),
        ("bspline", ["EulerTransform", "AffineTransform", "RecursiveBSplineTransform"]),
    ],
)
def test_each_kind_goes_through_the_simpler_ones(kind, transforms):
    files = [values(text) for text in elastix_parameters(kind)]
    assert [file["Transform"] for file in files] == transforms
    for file in files:
        assert file["Metric"] == "AdvancedMattesMutualInformation"
        assert file["HowToCombineTransforms"] == "Compose"
        assert file["WriteITKCompositeTransform"] == "true"  # what SlicerElastix loads
        assert file["UseDirectionCosines"] == "true"


def test_only_the_first_looks_for_a_start_and_only_without_a_given_one():
    first, second = (values(text) for text in elastix_parameters("affine"))
    assert first["AutomaticTransformInitializationMethod"] == "GeometricalCenter"
    assert "AutomaticTransformInitialization" not in second
    assert "AutomaticTransformInitialization" not in values(elastix_parameters("rigid", from_transform=True)[0])
    masses = values(elastix_parameters("rigid", masses=True)[0])
    assert masses["AutomaticTransformInitializationMethod"] == "CenterOfGravity"


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'fluid'"):
        elastix_parameters("fluid")


class StandInElastixLogic:
    """Stands for SlicerElastix's ElastixLogic: the attributes and the one method that are used of it."""

    end = "finds"
    in_between = staticmethod(lambda: None)

    def __init__(self):
        self.logCallback, self.logStandardOutput, self.cancelRequested = None, False, False

    def registerVolumes(
        self,
        fixedVolumeNode,
        movingVolumeNode,
        parameterFilenames=None,
        outputVolumeNode=None,
        outputTransformNode=None,
        fixedVolumeMaskNode=None,
        movingVolumeMaskNode=None,
        forceDisplacementFieldOutputTransform=True,
        initialTransformNode=None,
    ):
        import slicer

        from MultimodalSegLib.slicerside.scene.nodes import transform_node

        self.cancelRequested = False  # as the real one does
        assert parameterFilenames and not forceDisplacementFieldOutputTransform
        for name in parameterFilenames:
            values(Path(name).read_text(encoding="utf-8"))
        for number in range(100):
            self.logCallback(f"{number} -0.5 0.1")
        type(self).in_between()
        if self.cancelRequested:
            return
        if self.end != "finds":
            self.logCallback(self.end)
            raise subprocess.CalledProcessError(1, "elastix")
        found = transform_node(TRANSFORM, "found")
        outputTransformNode.SetMatrixTransformToParent(found.GetMatrixTransformToParent())
        slicer.mrmlScene.RemoveNode(found)


@pytest.fixture
def a_run(scene, monkeypatch):
    """Function that makes a registration by elastix which ends as said."""
    import slicer

    from MultimodalSegLib.slicerside.registration.backend import registration_run
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    monkeypatch.setattr(slicer.modules, "elastix", "the module", raising=False)
    nodes = volume_node(a_ct(), "CT", "CT"), volume_node(an_mr(), "MR", "MR")

    def make(end="finds", in_between=lambda: None):
        logic = type("Logic", (StandInElastixLogic,), {"end": end, "in_between": staticmethod(in_between)})
        monkeypatch.setitem(sys.modules, "Elastix", SimpleNamespace(ElastixLogic=logic))
        run = registration_run(*nodes, "rigid", backend="elastix", modalities=("CT", "MR"))
        told = []
        run.finished.connect(lambda node: told.append(node))
        run.failed.connect(lambda *reason: told.append(reason))
        run.cancelled.connect(lambda: told.append("cancelled"))
        return run, told

    return make


def transforms():
    import slicer

    found = slicer.util.getNodesByClass("vtkMRMLTransformNode")
    return [node for node in found if not node.GetHideFromEditors()]  # slice views have one each


def test_the_result_is_the_same_kind_of_node_as_the_others(a_run):
    from MultimodalSegLib.slicerside.scene.transforms import transform_from_node

    run, told = a_run()
    heard = []
    run.progress.connect(lambda event: heard.append(event.fraction))
    run.start()
    run.poll()
    (node,) = told
    assert node.IsA("vtkMRMLLinearTransformNode") and node.GetAttribute("MultimodalSeg.Backend") == "elastix"
    found = transform_from_node(node)
    np.testing.assert_allclose(found.TransformPoint((5, 6, 7)), TRANSFORM.TransformPoint((5, 6, 7)), atol=1e-9)
    assert transforms() == [node]
    assert len(heard) > 3 and heard == sorted(heard)


def test_cancel_while_elastix_works(a_run):
    run, told = a_run(in_between=lambda: (run.poll(), run.cancel()))  # a timer and a click during processEvents
    run.start()
    assert not run.poll()
    assert told == ["cancelled"] and not transforms()


def test_cancel_before_it_began(a_run):
    run, told = a_run()
    run.start()
    run.cancel()
    assert told == ["cancelled"] and not run.poll() and not transforms()


@pytest.mark.parametrize(("end", "said"), [("Too many samples map outside moving image!", "overlap"), ("x", "1")])
def test_a_failure_is_one_sentence(a_run, end, said):
    run, told = a_run(end)
    run.start()
    run.poll()
    ((kind, message, hint),) = told
    assert kind == "registration" and said in message and hint and end in run.log and not transforms()
