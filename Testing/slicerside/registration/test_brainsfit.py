"""BRAINSFit gets parameters that suit CT and MRI, and its end is told whatever it is.

The module itself exists only inside the Slicer application. Here a stand-in for ``slicer.cli`` answers in its place;
the command line node, the volumes and the transforms are real.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from MultimodalSegLib.errors import Cancelled, InputError, RegistrationError
from MultimodalSegLib.slicerside.registration.brainsfit import brainsfit_failure, brainsfit_parameters, start_modes
from Testing.phantoms import TRANSFORM, a_ct, an_mr

NAMES = """fixedVolume movingVolume samplingPercentage splineGridSize linearTransform bsplineTransform outputVolume
initialTransform initializeTransformMode useRigid useScaleVersor3D useScaleSkewVersor3D useAffine useBSpline useSyN
useComposite maskProcessingMode fixedBinaryVolume movingBinaryVolume outputFixedVolumeROI outputMovingVolumeROI
useROIBSpline histogramMatch medianFilterSize removeIntensityOutliers fixedVolume2 movingVolume2 outputVolumePixelType
backgroundFillValue scaleOutputValues interpolationMode numberOfIterations maximumStepLength minimumStepLength
relaxationFactor translationScale reproportionScale skewScale maxBSplineDisplacement fixedVolumeTimeIndex
movingVolumeTimeIndex numberOfHistogramBins numberOfMatchPoints costMetric maskInferiorCutOffFromCenter
ROIAutoDilateSize ROIAutoClosingSize numberOfSamples strippedOutputTransform transformType outputTransform
initializeRegistrationByCurrentGenericTransform writeOutputTransformInFloat failureExitCode writeTransformOnFailure
numberOfThreads debugLevel costFunctionConvergenceFactor projectedGradientTolerance maximumNumberOfEvaluations
maximumNumberOfCorrections metricSamplingStrategy"""
BRAINSFIT = frozenset(NAMES.split())
"""Parameter names of BRAINSFit 5.4.0, from the description that the executable gives of itself."""

CHOICES = {
    "initializeTransformMode": {
        "Off",
        "useMomentsAlign",
        "useCenterOfHeadAlign",
        "useGeometryAlign",
        "useCenterOfROIAlign",
    },
    "maskProcessingMode": {"NOMASK", "ROIAUTO", "ROI"},
    "costMetric": {"MMI", "MSE", "NC", "MIH"},
    "interpolationMode": {"Linear"},
}
SHAPE = {"size": (256, 256, 180), "spacing": (0.9, 0.9, 1.0)}


@pytest.mark.parametrize("kind", ["rigid", "affine", "bspline"])
@pytest.mark.parametrize("initial", ["", "vtkMRMLLinearTransformNode7"])
def test_every_parameter_is_one_of_brainsfits_own(kind, initial):
    parameters = brainsfit_parameters("f", "m", "t", kind, **SHAPE, initial=initial, threads=3)
    assert set(parameters) <= BRAINSFIT
    for name, allowed in CHOICES.items():
        assert parameters[name] in allowed
    assert all(isinstance(value, str | bool | int | float) for value in parameters.values())


def test_the_choices_suit_two_modalities():
    parameters = brainsfit_parameters("f", "m", "t", "rigid", **SHAPE)
    assert parameters["costMetric"] == "MMI"
    assert parameters["histogramMatch"] is False
    assert parameters["samplingPercentage"] >= 10 * 0.002  # BRAINSFit's default
    assert parameters["maskProcessingMode"] == "ROIAUTO"
    assert parameters["initializeTransformMode"] == "useGeometryAlign"


def test_phases_and_output_follow_the_kind():
    linear = [brainsfit_parameters("f", "m", "t", kind, **SHAPE) for kind in ("rigid", "affine")]
    bent = brainsfit_parameters("f", "m", "t", "bspline", **SHAPE)
    assert [p["useAffine"] for p in (*linear, bent)] == [False, True, True]
    assert [p["useBSpline"] for p in (*linear, bent)] == [False, False, True]
    for parameters in linear:
        assert parameters["linearTransform"] == "t" and "bsplineTransform" not in parameters
    assert bent["bsplineTransform"] == "t" and "linearTransform" not in bent
    assert bent["splineGridSize"] == "5,5,4"


def test_small_volumes_are_sampled_densely_and_a_thin_one_has_enough_knots():
    parameters = brainsfit_parameters("f", "m", "t", "bspline", size=(60, 60, 10), spacing=(2.0, 2.0, 3.0))
    assert parameters["samplingPercentage"] == 0.3
    assert parameters["splineGridSize"] == "3,3,3"


def test_a_start_transform_turns_the_search_for_a_start_off():
    parameters = brainsfit_parameters("f", "m", "t", "rigid", **SHAPE, initial="node")
    assert parameters["initializeTransformMode"] == "Off" and parameters["initialTransform"] == "node"


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'fluid'"):
        brainsfit_parameters("f", "m", "t", "fluid", **SHAPE)


def test_a_cts_air_is_not_taken_for_its_centre_of_mass():
    assert start_modes(("CT", "T1"))[0] == "useGeometryAlign"
    assert start_modes(("T2", "T1"))[0] == "useMomentsAlign"
    assert start_modes(("", ""))[0] == "useGeometryAlign"


def test_known_failures_have_a_way_out():
    for text in ("itk::ERROR: All samples map outside moving image buffer", "std::bad_alloc", "what: ???", ""):
        message, hint = brainsfit_failure(text)
        assert message and hint and "\n" not in message
    assert "overlap" in brainsfit_failure("All samples map outside")[0]
    assert "memory" in brainsfit_failure("Failed to allocate memory for image.")[0]


class StandInCli:
    """Stands for ``slicer.cli`` and the BRAINSFit executable, which cannot be had here.

    ``plan`` says how each run ends: ``"finds"`` the true transform, ``"fails"`` with a text, or ``"hangs"``.
    """

    def __init__(self, plan):
        self.plan, self.runs = list(plan), []

    def run(self, module, node, parameters, wait_for_completion, update_display):
        import slicer

        assert module == "the module" and not wait_for_completion
        assert set(parameters) <= BRAINSFIT
        node = slicer.vtkMRMLCommandLineModuleNode()
        slicer.mrmlScene.AddNode(node)
        node.SetStatus(node.Running)
        self.runs.append((node, parameters, self.plan.pop(0)))
        return node

    def let_it_end(self):
        import slicer

        from MultimodalSegLib.slicerside.scene.nodes import transform_node

        node, parameters, end = self.runs[-1]
        if node.GetStatus() & node.Cancelling:
            node.SetStatus(node.Cancelled)
        elif end == "finds":
            found = transform_node(TRANSFORM, "found")
            output = slicer.mrmlScene.GetNodeByID(parameters.get("linearTransform") or parameters["bsplineTransform"])
            output.SetMatrixTransformToParent(found.GetMatrixTransformToParent())
            slicer.mrmlScene.RemoveNode(found)
            node.SetStatus(node.Completed)
        elif end != "hangs":
            node.SetErrorText(end)
            node.SetStatus(node.CompletedWithErrors)


@pytest.fixture
def nodes(scene):
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    return volume_node(a_ct(), "Head CT", "CT"), volume_node(an_mr(), "Head MR", "MR")


@pytest.fixture
def a_run(nodes, monkeypatch):
    """Function that makes a registration whose stand-in behaves as planned, and a list of what it told."""
    import slicer

    from MultimodalSegLib.slicerside.registration.backend import registration_run

    monkeypatch.setattr(slicer.modules, "brainsfit", "the module", raising=False)

    def make(*plan, kind="rigid", modalities=("CT", "MR"), **options):
        cli = StandInCli(plan)
        monkeypatch.setattr(slicer, "cli", cli, raising=False)
        run = registration_run(*nodes, kind, modalities=modalities, **options)
        told = []
        run.finished.connect(lambda node: told.append(node))
        run.failed.connect(lambda *reason: told.append(reason))
        run.cancelled.connect(lambda: told.append("cancelled"))
        return SimpleNamespace(run=run, cli=cli, told=told)

    return make


def transforms():
    import slicer

    found = slicer.util.getNodesByClass("vtkMRMLTransformNode")
    return [node for node in found if not node.GetHideFromEditors()]  # slice views have one each


def command_line_nodes():
    import slicer

    return slicer.util.getNodesByClass("vtkMRMLCommandLineModuleNode")


@pytest.mark.parametrize("kind", ["rigid", "affine"])
def test_the_found_transform_is_a_linear_node_that_brings_the_moving_volume_over(a_run, kind):
    from MultimodalSegLib.slicerside.scene.transforms import transform_from_node

    it = a_run("finds", kind=kind)
    assert it.run.backend == "brainsfit"
    heard = []
    it.run.progress.connect(lambda event: heard.append(event.fraction))
    it.run.start()
    assert it.run.poll() and not it.told
    it.cli.let_it_end()
    assert not it.run.poll()
    (node,) = it.told
    assert node.IsA("vtkMRMLLinearTransformNode") and node.GetName() == "MR to CT"
    assert node.GetAttribute("MultimodalSeg.Backend") == "brainsfit"
    found = transform_from_node(node)
    np.testing.assert_allclose(found.TransformPoint((5, 6, 7)), TRANSFORM.TransformPoint((5, 6, 7)), atol=1e-9)
    assert not command_line_nodes() and transforms() == [node]
    assert heard == sorted(heard) and heard[-1] == 1.0


def test_a_bent_result_that_is_linear_after_all_is_given_as_a_linear_node(a_run):
    it = a_run("finds", kind="bspline")
    it.run.start()
    it.cli.let_it_end()
    it.run.poll()
    assert it.told[0].IsA("vtkMRMLLinearTransformNode") and transforms() == it.told


def test_another_start_is_tried_when_the_heads_do_not_meet(a_run):
    outside = "All samples map outside moving image buffer"
    it = a_run(outside, outside, outside)
    it.run.start()
    for _attempt in range(3):
        it.cli.let_it_end()
        it.run.poll()
    modes = [parameters["initializeTransformMode"] for _node, parameters, _end in it.cli.runs]
    assert modes == ["useGeometryAlign", "useCenterOfHeadAlign", "useMomentsAlign"]
    ((kind, message, hint),) = it.told
    assert kind == "registration" and "overlap" in message and "Transforms" in hint
    assert not command_line_nodes() and not transforms()


def test_cancel_leaves_nothing_behind(a_run):
    it = a_run("hangs")
    it.run.start()
    it.run.poll()
    it.run.cancel()
    it.cli.let_it_end()
    assert not it.run.poll() and it.told == ["cancelled"]
    assert not command_line_nodes() and not transforms() and not it.run.running
    it.run.cancel()  # once more does no harm
    assert it.told == ["cancelled"]


def test_closing_the_scene_ends_it(a_run):
    import slicer

    it = a_run("hangs")
    it.run.start()
    slicer.mrmlScene.Clear()
    assert not it.run.poll() and it.told == ["cancelled"]


def test_a_moving_volume_under_a_transform_is_registered_from_there(a_run, nodes):
    import SimpleITK as sitk
    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import transform_node

    parent = transform_node(sitk.TranslationTransform(3, (3.0, 0.0, 0.0)), "by hand")
    nodes[1].SetAndObserveTransformNodeID(parent.GetID())
    it = a_run("finds")
    it.run.start()
    _node, parameters, _end = it.cli.runs[0]
    assert parameters["initializeTransformMode"] == "Off"
    handed_over = slicer.mrmlScene.GetNodeByID(parameters["movingVolume"])
    assert handed_over.GetParentTransformNode() is None and handed_over.GetImageData() is nodes[1].GetImageData()
    start = slicer.mrmlScene.GetNodeByID(parameters["initialTransform"])
    assert start.GetMatrixTransformToParent().GetElement(0, 3) == parent.GetMatrixTransformToParent().GetElement(0, 3)
    it.cli.let_it_end()
    it.run.poll()
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 2
    assert len(transforms()) == 2 and nodes[1].GetParentTransformNode() is parent


def test_the_same_volume_twice_and_an_empty_one_are_refused(nodes):
    import slicer

    from MultimodalSegLib.slicerside.registration.backend import registration_run

    with pytest.raises(InputError, match="twice"):
        registration_run(nodes[0], nodes[0], backend="simpleitk")
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    with pytest.raises(InputError, match="'nothing' has no voxels"):
        registration_run(nodes[0], empty, backend="simpleitk")


def test_a_script_gets_the_node_or_an_exception(a_run):
    it = a_run("finds")
    node = it.run.wait(process_events=it.cli.let_it_end)
    assert node.IsA("vtkMRMLLinearTransformNode")
    broken = a_run("something odd")
    with pytest.raises(RegistrationError, match="something odd"):
        broken.run.wait(process_events=broken.cli.let_it_end)
    slow = a_run("hangs")
    with pytest.raises(Cancelled, match="longer than"):
        slow.run.wait(0.05, process_events=lambda: None)
