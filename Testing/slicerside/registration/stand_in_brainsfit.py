"""Stands for BRAINSFit, which exists only inside the Slicer application."""

from Testing.phantoms import TRANSFORM

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
